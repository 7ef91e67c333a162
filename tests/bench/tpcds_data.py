#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The 24 tables of TPC-DS and rows for them, from a seed: a model of its retailer in small. The tables and their columns are the
benchmark's; the rows are this file's own: fewer, skewed towards few items, customers and the year's end, with NULLs in the facts'
foreign keys, returns that belong to sales, and customers who come back to a returned item, so that all queries find rows.

    tpcds_data.py DIRECTORY [SCALE]    writes schema.sql, keys.sql and TABLE.tbl (COPY's text format) there"""
import datetime, os, random, sys

ADDRESS = "street_number c10 street_name v60 street_type c15 suite_number c10 city v60 county v30 state c2 zip c10 country v20 gmt_offset n5"
PRICES = "quantity i wholesale_cost n list_price n sales_price n ext_discount_amt n ext_sales_price n ext_wholesale_cost n ext_list_price n ext_tax n coupon_amt n"


def prefixed(prefix, text):
    words = text.split()
    return " ".join(f"{prefix}{name} {kind}" for name, kind in zip(words[::2], words[1::2]))


def party(prefix):
    return prefixed(prefix, "customer_sk i cdemo_sk i hdemo_sk i addr_sk i")


# iN: integer, cN: char, vN: varchar, n: decimal(7,2), n5: decimal(5,2), d: date; the first word of each is the key
TABLES = {
    "call_center": "cc_call_center_sk i cc_call_center_id c16 cc_rec_start_date d cc_rec_end_date d cc_closed_date_sk i cc_open_date_sk i cc_name v50 cc_class v50 cc_employees i cc_sq_ft i "
                   "cc_hours c20 cc_manager v40 cc_mkt_id i cc_mkt_class c50 cc_mkt_desc v100 cc_market_manager v40 cc_division i cc_division_name v50 cc_company i cc_company_name c50 "
                   + prefixed("cc_", ADDRESS) + " cc_tax_percentage n5",
    "catalog_page": "cp_catalog_page_sk i cp_catalog_page_id c16 cp_start_date_sk i cp_end_date_sk i cp_department v50 cp_catalog_number i cp_catalog_page_number i cp_description v100 cp_type v100",
    "catalog_returns": "cr_returned_date_sk i cr_returned_time_sk i cr_item_sk i " + party("cr_refunded_") + " " + party("cr_returning_") + " cr_call_center_sk i cr_catalog_page_sk i cr_ship_mode_sk i "
                       "cr_warehouse_sk i cr_reason_sk i cr_order_number i cr_return_quantity i cr_return_amount n cr_return_tax n cr_return_amt_inc_tax n cr_fee n cr_return_ship_cost n cr_refunded_cash n "
                       "cr_reversed_charge n cr_store_credit n cr_net_loss n",
    "catalog_sales": "cs_sold_date_sk i cs_sold_time_sk i cs_ship_date_sk i " + party("cs_bill_") + " " + party("cs_ship_") + " cs_call_center_sk i cs_catalog_page_sk i cs_ship_mode_sk i cs_warehouse_sk i "
                     "cs_item_sk i cs_promo_sk i cs_order_number i " + prefixed("cs_", PRICES) + " cs_ext_ship_cost n cs_net_paid n cs_net_paid_inc_tax n cs_net_paid_inc_ship n cs_net_paid_inc_ship_tax n cs_net_profit n",
    "customer": "c_customer_sk i c_customer_id c16 c_current_cdemo_sk i c_current_hdemo_sk i c_current_addr_sk i c_first_shipto_date_sk i c_first_sales_date_sk i c_salutation c10 c_first_name c20 c_last_name c30 "
                "c_preferred_cust_flag c1 c_birth_day i c_birth_month i c_birth_year i c_birth_country v20 c_login c13 c_email_address c50 c_last_review_date_sk i",
    "customer_address": "ca_address_sk i ca_address_id c16 " + prefixed("ca_", ADDRESS) + " ca_location_type c20",
    "customer_demographics": "cd_demo_sk i cd_gender c1 cd_marital_status c1 cd_education_status c20 cd_purchase_estimate i cd_credit_rating c10 cd_dep_count i cd_dep_employed_count i cd_dep_college_count i",
    "date_dim": "d_date_sk i d_date_id c16 d_date d d_month_seq i d_week_seq i d_quarter_seq i d_year i d_dow i d_moy i d_dom i d_qoy i d_fy_year i d_fy_quarter_seq i d_fy_week_seq i d_day_name c9 d_quarter_name c6 "
                "d_holiday c1 d_weekend c1 d_following_holiday c1 d_first_dom i d_last_dom i d_same_day_ly i d_same_day_lq i d_current_day c1 d_current_week c1 d_current_month c1 d_current_quarter c1 d_current_year c1",
    "household_demographics": "hd_demo_sk i hd_income_band_sk i hd_buy_potential c15 hd_dep_count i hd_vehicle_count i",
    "income_band": "ib_income_band_sk i ib_lower_bound i ib_upper_bound i",
    "inventory": "inv_date_sk i inv_item_sk i inv_warehouse_sk i inv_quantity_on_hand i",
    "item": "i_item_sk i i_item_id c16 i_rec_start_date d i_rec_end_date d i_item_desc v200 i_current_price n i_wholesale_cost n i_brand_id i i_brand c50 i_class_id i i_class c50 i_category_id i i_category c50 "
            "i_manufact_id i i_manufact c50 i_size c20 i_formulation c20 i_color c20 i_units c10 i_container c10 i_manager_id i i_product_name c50",
    "promotion": "p_promo_sk i p_promo_id c16 p_start_date_sk i p_end_date_sk i p_item_sk i p_cost n p_response_target i p_promo_name c50 p_channel_dmail c1 p_channel_email c1 p_channel_catalog c1 p_channel_tv c1 "
                 "p_channel_radio c1 p_channel_press c1 p_channel_event c1 p_channel_demo c1 p_channel_details v100 p_purpose c15 p_discount_active c1",
    "reason": "r_reason_sk i r_reason_id c16 r_reason_desc c100",
    "ship_mode": "sm_ship_mode_sk i sm_ship_mode_id c16 sm_type c30 sm_code c10 sm_carrier c20 sm_contract c20",
    "store": "s_store_sk i s_store_id c16 s_rec_start_date d s_rec_end_date d s_closed_date_sk i s_store_name v50 s_number_employees i s_floor_space i s_hours c20 s_manager v40 s_market_id i s_geography_class v100 "
             "s_market_desc v100 s_market_manager v40 s_division_id i s_division_name v50 s_company_id i s_company_name v50 " + prefixed("s_", ADDRESS) + " s_tax_precentage n5",
    "store_returns": "sr_returned_date_sk i sr_return_time_sk i sr_item_sk i " + party("sr_") + " sr_store_sk i sr_reason_sk i sr_ticket_number i sr_return_quantity i sr_return_amt n sr_return_tax n sr_return_amt_inc_tax n "
                     "sr_fee n sr_return_ship_cost n sr_refunded_cash n sr_reversed_charge n sr_store_credit n sr_net_loss n",
    "store_sales": "ss_sold_date_sk i ss_sold_time_sk i ss_item_sk i " + party("ss_") + " ss_store_sk i ss_promo_sk i ss_ticket_number i " + prefixed("ss_", PRICES) + " ss_net_paid n ss_net_paid_inc_tax n ss_net_profit n",
    "time_dim": "t_time_sk i t_time_id c16 t_time i t_hour i t_minute i t_second i t_am_pm c2 t_shift c20 t_sub_shift c20 t_meal_time c20",
    "warehouse": "w_warehouse_sk i w_warehouse_id c16 w_warehouse_name v20 w_warehouse_sq_ft i " + prefixed("w_", ADDRESS),
    "web_page": "wp_web_page_sk i wp_web_page_id c16 wp_rec_start_date d wp_rec_end_date d wp_creation_date_sk i wp_access_date_sk i wp_autogen_flag c1 wp_customer_sk i wp_url v100 wp_type c50 wp_char_count i wp_link_count i "
                "wp_image_count i wp_max_ad_count i",
    "web_returns": "wr_returned_date_sk i wr_returned_time_sk i wr_item_sk i " + party("wr_refunded_") + " " + party("wr_returning_") + " wr_web_page_sk i wr_reason_sk i wr_order_number i wr_return_quantity i wr_return_amt n "
                   "wr_return_tax n wr_return_amt_inc_tax n wr_fee n wr_return_ship_cost n wr_refunded_cash n wr_reversed_charge n wr_account_credit n wr_net_loss n",
    "web_sales": "ws_sold_date_sk i ws_sold_time_sk i ws_ship_date_sk i ws_item_sk i " + party("ws_bill_") + " " + party("ws_ship_") + " ws_web_page_sk i ws_web_site_sk i ws_ship_mode_sk i ws_warehouse_sk i ws_promo_sk i "
                 "ws_order_number i " + prefixed("ws_", PRICES) + " ws_ext_ship_cost n ws_net_paid n ws_net_paid_inc_tax n ws_net_paid_inc_ship n ws_net_paid_inc_ship_tax n ws_net_profit n",
    "web_site": "web_site_sk i web_site_id c16 web_rec_start_date d web_rec_end_date d web_name v50 web_open_date_sk i web_close_date_sk i web_class v50 web_manager v40 web_mkt_id i web_mkt_class v50 web_mkt_desc v100 "
                "web_market_manager v40 web_company_id i web_company_name c50 " + prefixed("web_", ADDRESS) + " web_tax_percentage n5",
}
KEYS = {"catalog_returns": "cr_item_sk, cr_order_number", "catalog_sales": "cs_item_sk, cs_order_number", "inventory": "inv_date_sk, inv_item_sk, inv_warehouse_sk", "store_returns": "sr_item_sk, sr_ticket_number",
        "store_sales": "ss_item_sk, ss_ticket_number", "web_returns": "wr_item_sk, wr_order_number", "web_sales": "ws_item_sk, ws_order_number"}
CATEGORIES = {"Books": "arts business computers cooking history mystery romance science", "Children": "infants newborn school-uniforms toddlers", "Electronics": "audio cameras dvd/vcr monitors portable stereo",
              "Home": "accent bedding curtains decor furniture rugs", "Jewelry": "birdal diamonds estate gold pendants semi-precious", "Men": "accessories pants shirts sports-apparel", "Music": "classical country pop rock",
              "Shoes": "athletic kids mens womens", "Sports": "archery baseball camping fishing football golf", "Women": "dresses fragrances maternity swimwear"}
BRANDS = "scholaramalgamalg exportiunivamalg edu packscholar importoamalg amalgimporto corpnameless univmaxi".split()
COLORS = "powder khaki brown honeydew slate blanched burnished peach saddle navy midnight snow pale chiffon purple burlywood indian spring floral medium orchid dim turquoise lavender white yellow rose azure".split()
STATES = "TN GA TX OH IN KY SD IL CA NY WA MO".split()
COUNTIES = [name + " County" for name in "Williamson Ziebach Walker Daviess Barrow Fairfield Luce Richland Bronx Franklin".split()]
CITIES = ["Midway", "Fairview", "Oakland", "Pleasant Hill", "Centerville", "Five Points", "Liberty", "Greenville", "Union", "Salem", "Edgewood"]
ZIPS = ["24128", "76232", "85669", "86197", "88274", "83405", "86475", "85392", "85460", "80348", "81792", "35709", "30903", "31087", "63792", "69035", "67436", "47057", "19231", "60169"]
WORDS = "able ation bar ought ese anti cally eing pri n st important national social new only available certain early great high local other public rather small useful western".split()
EPOCH = datetime.date(1900, 1, 1)
FIRST_DAY, LAST_DAY = datetime.date(1997, 12, 1), datetime.date(2003, 12, 31)
MONTH_WEIGHT = [6, 6, 6, 7, 7, 7, 7, 10, 10, 10, 16, 18]


def day_sk(day):
    return 2415021 + (day - EPOCH).days


def columns(table):
    words = TABLES[table].split()
    return list(zip(words[::2], words[1::2]))


def sql_type(kind):
    return {"i": "integer", "d": "date", "n": "decimal(7,2)", "n5": "decimal(5,2)"}.get(kind) or {"c": "char", "v": "varchar"}[kind[0]] + f"({kind[1:]})"


class Maker:
    def __init__(self, directory, scale, seed=19):
        self.directory, self.r = directory, random.Random(seed)
        self.sizes = {name: max(1, int(count * scale)) for name, count in
                      {"customer": 2000, "customer_address": 1200, "item": 1000, "store_baskets": 4200, "catalog_orders": 2600, "web_orders": 1600, "catalog_page": 200, "promotion": 120}.items()}
        self.days = [FIRST_DAY + datetime.timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
        self.sale_days = [day for day in self.days if 1998 <= day.year <= 2002]
        self.sale_weights = [MONTH_WEIGHT[day.month - 1] for day in self.sale_days]
        self.item_rows = []

    def write(self, table, rows):
        """Rows are dictionaries; a column that a row does not name is filled by its type: nothing of it is asked by a query."""
        fields = columns(table)
        with open(f"{self.directory}/{table}.tbl", "w") as out:
            for number, row in enumerate(rows, 1):
                out.write("\t".join(self.field(name, kind, row, number) for name, kind in fields) + "\n")

    def field(self, name, kind, row, number):
        if name not in row:
            if name.endswith("_id") and kind == "c16":
                value = f"AAAAAAAA{number:08}"
            elif kind == "i":
                value = self.r.randint(1, 10)
            elif kind in ("n", "n5"):
                value = f"{self.r.randint(0, 900) / 100:.2f}"
            elif kind == "d":
                value = None
            else:
                value = self.r.choice(WORDS)[:int(kind[1:])]
        else:
            value = row[name]
        if value is None:
            return "\\N"
        return f"{value:.2f}" if isinstance(value, float) else str(value)

    def skewed(self, count, power=1.7):
        """1 to count, small numbers more often."""
        return 1 + int(count * self.r.random() ** power)

    def maybe(self, value, chance=0.03):
        return None if self.r.random() < chance else value

    def address(self, prefix):
        state = self.r.choice(STATES)
        return {prefix + "street_number": self.r.randint(1, 999), prefix + "street_name": self.r.choice(["Oak", "Main", "Elm Park", "Sunset"]), prefix + "street_type": self.r.choice(["Street", "Way", "Ct."]),
                prefix + "suite_number": f"Suite {self.r.randint(1, 99)}", prefix + "city": self.r.choice(CITIES), prefix + "county": self.r.choice(COUNTIES), prefix + "state": state,
                prefix + "zip": self.r.choice(ZIPS), prefix + "country": "United States", prefix + "gmt_offset": self.r.choice([-5.0, -6.0, -7.0])}

    # ---- dimensions
    def dimensions(self):
        r = self.r
        week_zero = datetime.date(1899, 12, 31)
        self.write("date_dim", ({
            "d_date_sk": day_sk(day), "d_date_id": f"AAAAAAAA{day_sk(day)}", "d_date": day, "d_month_seq": (day.year - 1900) * 12 + day.month - 1, "d_week_seq": (day - week_zero).days // 7 + 1,
            "d_quarter_seq": (day.year - 1900) * 4 + (day.month - 1) // 3 + 1, "d_year": day.year, "d_dow": (day.weekday() + 1) % 7, "d_moy": day.month, "d_dom": day.day, "d_qoy": (day.month - 1) // 3 + 1,
            "d_fy_year": day.year, "d_fy_quarter_seq": (day.year - 1900) * 4 + (day.month - 1) // 3 + 1, "d_fy_week_seq": (day - week_zero).days // 7 + 1, "d_day_name": day.strftime("%A"),
            "d_quarter_name": f"{day.year}Q{(day.month - 1) // 3 + 1}", "d_holiday": "Y" if (day.month, day.day) in ((1, 1), (7, 4), (12, 25)) else "N", "d_weekend": "Y" if day.weekday() > 4 else "N",
            "d_following_holiday": "N", "d_first_dom": day_sk(day.replace(day=1)), "d_last_dom": day_sk(day.replace(day=28)), "d_same_day_ly": day_sk(day) - 365, "d_same_day_lq": day_sk(day) - 91,
            **{f"d_current_{unit}": "N" for unit in ("day", "week", "month", "quarter", "year")}} for day in self.days))
        self.write("time_dim", ({
            "t_time_sk": second, "t_time_id": f"AAAAAAAA{second:08}", "t_time": second, "t_hour": second // 3600, "t_minute": second // 60 % 60, "t_second": second % 60, "t_am_pm": "AM" if second < 43200 else "PM",
            "t_shift": ["third", "first", "second"][second // 28800], "t_sub_shift": ["night", "morning", "afternoon", "evening"][second // 21600],
            "t_meal_time": {7: "breakfast", 8: "breakfast", 12: "lunch", 13: "lunch", 18: "dinner", 19: "dinner"}.get(second // 3600)} for second in range(0, 86400, 60)))
        self.write("income_band", ({"ib_income_band_sk": n + 1, "ib_lower_bound": n * 10000 + (n > 0), "ib_upper_bound": (n + 1) * 10000} for n in range(20)))
        potentials = [">10000", "5001-10000", "1001-5000", "501-1000", "0-500", "Unknown"]
        self.write("household_demographics", ({"hd_demo_sk": n + 1, "hd_income_band_sk": n % 20 + 1, "hd_buy_potential": potentials[n // 20 % 6], "hd_dep_count": n // 120 % 10, "hd_vehicle_count": n // 1200 % 6 - 1}
                                              for n in range(7200)))
        education = ["Primary", "Secondary", "College", "2 yr Degree", "4 yr Degree", "Advanced Degree", "Unknown"]
        self.write("customer_demographics", ({
            "cd_demo_sk": n + 1, "cd_gender": "MF"[n % 2], "cd_marital_status": "MSDWU"[n // 2 % 5], "cd_education_status": education[n // 10 % 7], "cd_purchase_estimate": 500 * (n // 70 % 20 + 1),
            "cd_credit_rating": ["Good", "Low Risk", "High Risk", "Unknown"][n // 1400 % 4], "cd_dep_count": n * 7 % 5, "cd_dep_employed_count": n * 3 % 4, "cd_dep_college_count": n * 11 % 3} for n in range(5600)))
        self.write("reason", ({"r_reason_sk": n, "r_reason_desc": f"reason {n}"} for n in range(1, 36)))
        self.write("ship_mode", ({"sm_ship_mode_sk": n + 1, "sm_type": ["EXPRESS", "NEXT DAY", "OVERNIGHT", "REGULAR", "TWO DAY", "LIBRARY"][n % 6], "sm_code": ["AIR", "SURFACE", "SEA"][n % 3],
                                  "sm_carrier": ["UPS", "FEDEX", "DHL", "BARIAN", "USPS", "MSC"][n % 5]} for n in range(20)))
        self.write("warehouse", ({"w_warehouse_sk": n, "w_warehouse_name": self.maybe(f"Warehouse number {n}"[:20], 0.1), "w_warehouse_sq_ft": r.randint(50000, 900000), **self.address("w_")} for n in range(1, 6)))
        self.write("store", ({"s_store_sk": n, "s_store_id": f"AAAAAAAA{(n + 1) // 2:08}", "s_store_name": ["ought", "able", "ese", "anti", "bar", "ese"][n % 6], "s_number_employees": 200 + n * 11 % 100, "s_market_id": n % 10,
                              "s_company_id": 1, "s_company_name": "Unknown", "s_floor_space": r.randint(5000000, 9000000), "s_gmt_offset": -5.0, **{**self.address("s_"), "s_state": STATES[n % 4], "s_gmt_offset": -5.0 - n % 2}}
                             for n in range(1, 13)))
        self.write("call_center", ({"cc_call_center_sk": n, "cc_name": ["NY Metro", "Mid Atlantic", "North Midwest"][n % 3], "cc_manager": f"Manager {n}", **self.address("cc_"), "cc_county": COUNTIES[n % 2]} for n in range(1, 7)))
        self.write("web_site", ({"web_site_sk": n, "web_site_id": f"AAAAAAAA{(n + 1) // 2:08}", "web_name": f"site_{n // 3}", "web_company_name": ["pri", "able", "ese"][n % 3], **self.address("web_")} for n in range(1, 13)))
        self.write("web_page", ({"wp_web_page_sk": n, "wp_char_count": r.randint(4000, 6200), "wp_type": r.choice(["order", "general", "ad"])} for n in range(1, 61)))
        self.write("catalog_page", ({"cp_catalog_page_sk": n, "cp_department": "DEPARTMENT", "cp_catalog_number": n // 20} for n in range(1, self.sizes["catalog_page"] + 1)))
        self.write("promotion", ({"p_promo_sk": n, "p_item_sk": self.skewed(self.sizes["item"]), "p_start_date_sk": day_sk(r.choice(self.sale_days)), **{f"p_channel_{channel}": r.choice("NNNY") for channel in
                                  ("dmail", "email", "catalog", "tv", "radio", "press", "event", "demo")}} for n in range(1, self.sizes["promotion"] + 1)))
        self.write("customer_address", ({"ca_address_sk": n, **{f"ca_{key[2:]}": self.maybe(value, 0.02) for key, value in self.address("x_").items()}, "ca_location_type": r.choice(["single family", "condo", "apartment"])}
                                        for n in range(1, self.sizes["customer_address"] + 1)))
        self.write("customer", ({
            "c_customer_sk": n, "c_current_cdemo_sk": self.maybe(r.randint(1, 5600)), "c_current_hdemo_sk": self.maybe(r.randint(1, 7200)), "c_current_addr_sk": r.randint(1, self.sizes["customer_address"]),
            "c_first_shipto_date_sk": day_sk(r.choice(self.sale_days)), "c_first_sales_date_sk": day_sk(r.choice(self.sale_days)), "c_salutation": self.maybe(r.choice(["Mr.", "Mrs.", "Dr.", "Ms."])),
            "c_first_name": self.maybe(r.choice(["Ann", "Bob", "Carla", "Dan", "Eve", "Frank", "Grace", "Henry"])), "c_last_name": self.maybe(r.choice(["Smith", "Jones", "Lewis", "Moore", "White", "Young"]) + ("" if n % 3 else "son")),
            "c_preferred_cust_flag": self.maybe(r.choice("YN")), "c_birth_day": r.randint(1, 28), "c_birth_month": r.randint(1, 12), "c_birth_year": r.randint(1930, 1992), "c_birth_country": r.choice(["CHILE", "TOGO", "JAPAN", "PERU"]),
            "c_login": None, "c_email_address": self.maybe(f"c{n}@example.org"), "c_last_review_date_sk": day_sk(r.choice(self.sale_days))} for n in range(1, self.sizes["customer"] + 1)))
        self.items()

    def items(self):
        r = self.r
        for n in range(1, self.sizes["item"] + 1):
            number = r.randint(0, 9)
            category = list(CATEGORIES)[number]
            classes = CATEGORIES[category].split()
            class_no = r.randint(1, len(classes))
            brand_no = r.randint(1, 4)
            cost = r.randint(50, 7000) / 100
            manufacturer = self.skewed(200, 1.3)
            self.item_rows.append({
                "i_item_sk": n, "i_item_id": f"AAAAAAAA{(n + 1) // 2:08}", "i_rec_start_date": "1997-10-27" if n % 2 else "2000-10-27", "i_rec_end_date": "2000-10-26" if n % 2 else None,
                "i_item_desc": self.maybe(" ".join(r.choices(WORDS, k=6)).capitalize() + "."), "i_current_price": round(cost * (1.1 + r.random()), 2), "i_wholesale_cost": cost,
                "i_brand_id": (number + 1) * 1000000 + class_no * 1000 + brand_no, "i_brand": f"{BRANDS[(class_no + brand_no) % len(BRANDS)]} #{brand_no}", "i_class_id": class_no, "i_class": classes[class_no - 1],
                "i_category_id": number + 1, "i_category": category, "i_manufact_id": manufacturer, "i_manufact": self.maybe(f"{WORDS[manufacturer % 20]}{WORDS[manufacturer // 20]}"),
                "i_size": r.choice(["small", "medium", "large", "extra large", "petite", "economy", "N/A"]), "i_color": r.choice(COLORS), "i_units": r.choice("Ounce Oz Bunch Ton N/A Dozen Box Pound Pallet Gross Cup Dram Each Tbl Lb Bundle".split()),
                "i_container": "Unknown", "i_manager_id": self.skewed(100, 1.2), "i_product_name": self.maybe(f"product{n}")})
        self.write("item", self.item_rows)

    # ---- facts
    def prices(self, prefix, item, shipped):
        r = self.r
        quantity = r.randint(1, 100)
        cost = item["i_wholesale_cost"]
        listed = round(cost * (1 + r.random()), 2)
        price = round(listed * r.choice([1, 0.9, 0.7, 0.5, 0.2]), 2)
        extended, discount = round(price * quantity, 2), round((listed - price) * quantity, 2)
        coupon = round(extended * 0.3, 2) if r.random() < 0.15 else 0.0
        paid = round(extended - coupon, 2)
        tax = round(paid * 0.07, 2)
        row = {"quantity": quantity, "wholesale_cost": cost, "list_price": listed, "sales_price": price, "ext_discount_amt": discount, "ext_sales_price": extended, "ext_wholesale_cost": round(cost * quantity, 2),
               "ext_list_price": round(listed * quantity, 2), "ext_tax": tax, "coupon_amt": coupon, "net_paid": paid, "net_paid_inc_tax": round(paid + tax, 2), "net_profit": round(paid - cost * quantity, 2)}
        if shipped:
            ship = round(listed * quantity * r.random() * 0.4, 2)
            row.update({"ext_ship_cost": ship, "net_paid_inc_ship": round(paid + ship, 2), "net_paid_inc_ship_tax": round(paid + ship + tax, 2)})
        row = {key: self.maybe(value, 0.01) for key, value in row.items()}
        return {f"{prefix}_{key}": value for key, value in row.items()}

    def returned(self, prefix, sale, quantity_sold, price):
        """What a return holds beside its references; amount is named differently in one of the tables."""
        r = self.r
        quantity = r.randint(1, quantity_sold or 5)
        amount = round((price or 10.0) * quantity, 2)
        tax, fee, ship = round(amount * 0.07, 2), r.randint(50, 9900) / 100, round(amount * 0.2, 2)
        cash = round(amount * r.random(), 2)
        return {f"{prefix}_return_quantity": self.maybe(quantity), f"{prefix}_return_{'amount' if prefix == 'cr' else 'amt'}": amount, f"{prefix}_return_tax": tax, f"{prefix}_return_amt_inc_tax": round(amount + tax, 2),
                f"{prefix}_fee": fee, f"{prefix}_return_ship_cost": ship, f"{prefix}_refunded_cash": cash, f"{prefix}_reversed_charge": round((amount - cash) / 2, 2),
                f"{prefix}_{'account' if prefix == 'wr' else 'store'}_credit": round((amount - cash) / 2, 2), f"{prefix}_net_loss": round(fee + ship + tax, 2), f"{prefix}_reason_sk": self.maybe(r.randint(1, 35))}

    def who(self, prefix, customer, between):
        r = self.r
        return {f"{prefix}_{between}customer_sk": self.maybe(customer), f"{prefix}_{between}cdemo_sk": self.maybe(r.randint(1, 5600)), f"{prefix}_{between}hdemo_sk": self.maybe(r.randint(1, 7200)),
                f"{prefix}_{between}addr_sk": self.maybe(r.randint(1, self.sizes["customer_address"]))}

    def a_second(self):
        return min(1439, max(0, int(self.r.gauss(840, 220)))) * 60

    def basket(self, most):
        return sorted({self.skewed(self.sizes["item"]) for _ in range(self.r.randint(1, most))})

    def store(self):
        r = self.r
        sales, returns, again = [], [], []
        for ticket in range(1, self.sizes["store_baskets"] + 1):
            day, customer = r.choices(self.sale_days, self.sale_weights)[0], self.skewed(self.sizes["customer"])
            head = {"ss_sold_date_sk": self.maybe(day_sk(day)), "ss_sold_time_sk": self.maybe(self.a_second()), **self.who("ss", customer, ""), "ss_store_sk": self.maybe(r.randint(1, 12)), "ss_ticket_number": ticket}
            for item in self.basket(14):
                sale = {**head, "ss_item_sk": item, "ss_promo_sk": self.maybe(self.skewed(self.sizes["promotion"]), 0.3), **self.prices("ss", self.item_rows[item - 1], False)}
                sales.append(sale)
                if r.random() < 0.12:
                    back = day + datetime.timedelta(days=r.randint(1, 120))
                    returns.append({"sr_returned_date_sk": self.maybe(day_sk(back)), "sr_return_time_sk": self.a_second(), "sr_item_sk": item, "sr_customer_sk": head["ss_customer_sk"], "sr_cdemo_sk": head["ss_cdemo_sk"],
                                    "sr_hdemo_sk": head["ss_hdemo_sk"], "sr_addr_sk": head["ss_addr_sk"], "sr_store_sk": head["ss_store_sk"], "sr_ticket_number": ticket,
                                    **self.returned("sr", sale, sale["ss_quantity"], sale["ss_sales_price"])})
                    if r.random() < 0.4:
                        again.append((back + datetime.timedelta(days=r.randint(0, 60)), customer, item))
                elif r.random() < 0.05:
                    again.append((day + datetime.timedelta(days=r.randint(0, 20)), customer, item))
        self.write("store_sales", sales)
        self.write("store_returns", returns)
        return [one for one in again if one[0] <= self.sale_days[-1]]

    def distant(self, kind, again):
        """catalog_sales or web_sales with their returns."""
        r = self.r
        p, q = ("cs", "cr") if kind == "catalog" else ("ws", "wr")
        sales, returns = [], []
        for order in range(1, self.sizes[f"{kind}_orders"] + len(again) + 1):
            if order <= len(again):
                day, customer, item = again[order - 1]
                basket = [item]
            else:
                day, customer, basket = r.choices(self.sale_days, self.sale_weights)[0], self.skewed(self.sizes["customer"]), self.basket(12)
            bill, ship = self.who(p, customer, "bill_"), self.who(p, customer if r.random() < 0.8 else self.skewed(self.sizes["customer"]), "ship_")
            head = {f"{p}_sold_date_sk": self.maybe(day_sk(day), 0.01), f"{p}_sold_time_sk": self.a_second(), **bill, **ship, f"{p}_order_number": order}
            places = ({"cs_call_center_sk": self.maybe(r.randint(1, 6)), "cs_catalog_page_sk": self.maybe(self.skewed(self.sizes["catalog_page"]))} if p == "cs" else
                      {"ws_web_page_sk": self.maybe(r.randint(1, 60)), "ws_web_site_sk": self.maybe(r.randint(1, 12))})
            for item in basket:
                sale = {**head, **places, f"{p}_item_sk": item, f"{p}_ship_date_sk": self.maybe(day_sk(day) + r.randint(1, 125)), f"{p}_ship_mode_sk": self.maybe(r.randint(1, 20)), f"{p}_warehouse_sk": self.maybe(r.randint(1, 5)),
                        f"{p}_promo_sk": self.maybe(self.skewed(self.sizes["promotion"]), 0.3), **self.prices(p, self.item_rows[item - 1], True)}
                sales.append(sale)
                if r.random() < 0.12:
                    refunded = {f"{q}_refunded_{part}": sale[f"{p}_bill_{part}"] for part in ("customer_sk", "cdemo_sk", "hdemo_sk", "addr_sk")}
                    returning = {f"{q}_returning_{part}": sale[f"{p}_{r.choice(('bill', 'ship'))}_{part}"] for part in ("customer_sk", "cdemo_sk", "hdemo_sk", "addr_sk")}
                    returning[f"{q}_returning_cdemo_sk"] = refunded[f"{q}_refunded_cdemo_sk"]
                    back = {f"{q}_{name[3:]}": value for name, value in sale.items() if name[3:] in ("item_sk", "order_number", "call_center_sk", "catalog_page_sk", "ship_mode_sk", "warehouse_sk", "web_page_sk")}
                    back = {name: value for name, value in back.items() if name in dict(columns(f"{kind}_returns"))}
                    returns.append({f"{q}_returned_date_sk": self.maybe(day_sk(day) + r.randint(3, 120)), f"{q}_returned_time_sk": self.a_second(), **refunded, **returning, **back,
                                    **self.returned(q, sale, sale[f"{p}_quantity"], sale[f"{p}_sales_price"])})
        self.write(f"{kind}_sales", sales)
        self.write(f"{kind}_returns", returns)

    def inventory(self):
        r = self.r
        days = [day for day in self.sale_days if day.weekday() == 3 and (day.year in (2000, 2001, 2002))][::2]
        self.write("inventory", ({"inv_date_sk": day_sk(day), "inv_item_sk": item, "inv_warehouse_sk": warehouse, "inv_quantity_on_hand": self.maybe(r.choice([r.randint(0, 1000), r.randint(0, 60) if item % 3 else 990]), 0.05)}
                                 for day in days for item in range(1, self.sizes["item"] + 1, 5) for warehouse in range(1, 6) if r.random() < 0.7))

    def everything(self):
        with open(f"{self.directory}/schema.sql", "w") as out:
            for table in TABLES:
                first = KEYS.get(table) or columns(table)[0][0]
                parts = [f"    {name} {sql_type(kind)}{' not null' if name in first.split(', ') else ''}" for name, kind in columns(table)]
                out.write(f"create table {table} (\n" + ",\n".join(parts) + "\n);\n")
        with open(f"{self.directory}/keys.sql", "w") as out:
            for table in TABLES:
                out.write(f"alter table {table} add primary key ({KEYS.get(table) or columns(table)[0][0]});\n")
        self.dimensions()
        again = self.store()
        self.distant("catalog", again)
        self.distant("web", [one for one in again if self.r.randint(1, 5) == 1])
        self.inventory()


def make(directory, scale=1.0):
    os.makedirs(directory, exist_ok=True)
    Maker(directory, scale).everything()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    make(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 1.0)
