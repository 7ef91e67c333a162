# SPDX-License-Identifier: Apache-2.0
"""SQLAlchemy (1.4 and later) on RustyDB: a mapped schema, relations, queries, upserts, savepoints, and the schema read back.
    sqlalchemy_shop.py postgresql+psycopg2://admin@/shop?host=/srv/db/run/sockets&port=5432"""
import datetime
import decimal
import enum
import sys
import uuid

from sqlalchemy import (ARRAY, BigInteger, Boolean, CheckConstraint, Column, Date, DateTime, Enum, ForeignKey, Index, Integer, Interval, LargeBinary, MetaData,
                        Numeric, String, Table, Text, UniqueConstraint, and_, case, create_engine, exists, func, inspect, literal, or_, select, text, update)
from sqlalchemy.dialects.postgresql import JSONB, UUID, insert
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session, aliased, declarative_base, joinedload, relationship, selectinload

engine = create_engine(sys.argv[1], future=True)
Base = declarative_base()


class State(enum.Enum):
    OPEN = "open"
    PAID = "paid"


tagging = Table("tagging", Base.metadata, Column("product_id", ForeignKey("product.id", ondelete="CASCADE"), primary_key=True), Column("tag_id", ForeignKey("tag.id"), primary_key=True))


class Tag(Base):
    __tablename__ = "tag"
    id = Column(Integer, primary_key=True)
    name = Column(String(30), unique=True, nullable=False)


class Product(Base):
    __tablename__ = "product"
    id = Column(Integer, primary_key=True)
    key = Column(UUID(as_uuid=True), default=uuid.uuid4, unique=True)
    name = Column(Text, nullable=False, comment="as printed")
    price = Column(Numeric(10, 2), nullable=False)
    attributes = Column(JSONB, server_default=text("'{}'::jsonb"))
    sizes = Column(ARRAY(Integer), server_default="{}")
    picture = Column(LargeBinary)
    active = Column(Boolean, server_default=text("true"), nullable=False)
    tags = relationship(Tag, secondary=tagging, order_by=Tag.name)
    __table_args__ = (CheckConstraint("price >= 0", name="price_is_positive"), Index("product_lower_name", func.lower(name)), {"comment": "what is sold"})


class Customer(Base):
    __tablename__ = "customer"
    id = Column(BigInteger, primary_key=True)
    name = Column(String(80), nullable=False, index=True)
    born = Column(Date)
    referrer_id = Column(ForeignKey("customer.id"))
    referrer = relationship("Customer", remote_side=[id])
    invoices = relationship("Invoice", back_populates="customer", cascade="all, delete-orphan", order_by="Invoice.id")


class Invoice(Base):
    __tablename__ = "invoice"
    id = Column(Integer, primary_key=True)
    customer_id = Column(ForeignKey(Customer.id, ondelete="CASCADE"), nullable=False)
    state = Column(Enum(State, name="invoice_state"), nullable=False, default=State.OPEN)
    created = Column(DateTime(timezone=True), server_default=func.now())
    term = Column(Interval)
    customer = relationship(Customer, back_populates="invoices")
    lines = relationship("Line", cascade="all, delete-orphan", order_by="Line.no")


class Line(Base):
    __tablename__ = "line"
    invoice_id = Column(ForeignKey(Invoice.id, ondelete="CASCADE"), primary_key=True)
    no = Column(Integer, primary_key=True)
    product_id = Column(ForeignKey(Product.id), nullable=False)
    quantity = Column(Integer, nullable=False)
    product = relationship(Product)
    __table_args__ = (UniqueConstraint("invoice_id", "product_id", name="one_line_a_product"),)


def expect(got, wanted):
    if got != wanted:
        sys.exit(f"got {got!r}, wanted {wanted!r}")


Base.metadata.drop_all(engine)
Base.metadata.create_all(engine)

with Session(engine) as session:
    red, blue = Tag(name="red"), Tag(name="blue")
    pen = Product(name="Pen", price=decimal.Decimal("1.50"), attributes={"ink": {"colour": "blue"}, "tip": 0.7}, sizes=[1, 2], tags=[red, blue], picture=b"\0\xff")
    book = Product(name="Book", price=12, tags=[blue])
    ada = Customer(name="Ada", born=datetime.date(1815, 12, 10))
    bob = Customer(name="Bob", referrer=ada)
    session.add_all([ada, bob])
    for customer, quantity in ((ada, 1), (ada, 2), (bob, 5)):
        customer.invoices.append(Invoice(term=datetime.timedelta(days=14), lines=[Line(no=1, product=pen, quantity=quantity), Line(no=2, product=book, quantity=1)]))
    session.commit()
    expect([tag.name for tag in pen.tags], ["blue", "red"])
    expect((pen.price, pen.attributes["ink"], pen.sizes, pen.picture, pen.active), (decimal.Decimal("1.50"), {"colour": "blue"}, [1, 2], b"\0\xff", True))
    expect(ada.invoices[0].term, datetime.timedelta(days=14))

    total = func.sum(Line.quantity * Product.price)
    rows = session.execute(select(Customer.name, total, func.count(Invoice.id.distinct())).join(Customer.invoices).join(Invoice.lines).join(Line.product)
                           .group_by(Customer.name).having(total > 10).order_by(Customer.name)).all()
    expect([tuple(row) for row in rows], [("Ada", decimal.Decimal("28.50"), 2), ("Bob", decimal.Decimal("19.50"), 1)])
    referrer = aliased(Customer)
    expect(session.execute(select(Customer.name, func.coalesce(referrer.name, "nobody")).outerjoin(referrer, Customer.referrer).order_by(Customer.id)).all(), [("Ada", "nobody"), ("Bob", "Ada")])
    ranked = select(Invoice.id, func.row_number().over(partition_by=Invoice.customer_id, order_by=Invoice.id.desc()).label("rank")).subquery()
    expect(session.execute(select(func.count()).select_from(ranked).where(ranked.c.rank == 1)).scalar(), 2)
    latest = select(Invoice.id).where(Invoice.customer_id == Customer.id).order_by(Invoice.id.desc()).limit(1).scalar_subquery()
    expect(session.execute(select(latest).where(Customer.name == "Ada")).scalar(), ada.invoices[-1].id)
    expect(session.execute(select(Product.name).where(Product.attributes["ink"]["colour"].astext == "blue")).scalars().all(), ["Pen"])
    expect(session.execute(select(Product.name).where(Product.attributes.contains({"tip": 0.7}))).scalars().all(), ["Pen"])
    expect(session.execute(select(Product.name).where(Product.sizes.any(2))).scalars().all(), ["Pen"])
    expect(session.execute(select(Product.name).where(Product.tags.any(Tag.name == "red"))).scalars().all(), ["Pen"])
    expect(session.execute(select(Product.name).where(func.lower(Product.name).like("bo%"))).scalars().all(), ["Book"])
    expect(session.execute(select(Product.name).where(or_(Product.name.ilike("PEN"), and_(Product.price > 100, Product.active))).order_by(Product.name)).scalars().all(), ["Pen"])
    expect(session.execute(select(case((Product.price > 10, "dear"), else_="cheap")).order_by(Product.id)).scalars().all(), ["cheap", "dear"])
    expect(session.execute(select(exists().where(Customer.name == "Eve"))).scalar(), False)
    chain = select(Customer.id, Customer.name, literal(0).label("depth")).where(Customer.referrer_id.is_(None)).cte("chain", recursive=True)
    chain = chain.union_all(select(Customer.id, Customer.name, chain.c.depth + 1).join(chain, Customer.referrer_id == chain.c.id))
    expect(session.execute(select(chain.c.name, chain.c.depth).order_by(chain.c.depth)).all(), [("Ada", 0), ("Bob", 1)])
    loaded = session.execute(select(Customer).options(selectinload(Customer.invoices).joinedload(Invoice.lines).joinedload(Line.product)).order_by(Customer.id).execution_options(populate_existing=True)).unique().scalars().all()
    expect(sum(line.quantity for customer in loaded for invoice in customer.invoices for line in invoice.lines), 11)

    statement = insert(Tag).values([{"name": "red"}, {"name": "green"}])
    expect(sorted(session.execute(statement.on_conflict_do_update(index_elements=[Tag.name], set_={"name": func.upper(statement.excluded.name)}).returning(Tag.name)).scalars()), ["RED", "green"])
    session.execute(insert(Tag).values(name="green").on_conflict_do_nothing())
    expect(session.execute(update(Product).where(Product.name == "Book").values(price=Product.price * 2).returning(Product.price)).scalar(), decimal.Decimal("24.00"))
    try:
        with session.begin_nested():
            session.add(Product(name="Free", price=-1))
    except IntegrityError as error:
        expect((error.orig.pgcode, error.orig.diag.constraint_name), ("23514", "price_is_positive"))
    session.commit()
    locked = session.execute(select(Invoice).where(Invoice.state == State.OPEN).order_by(Invoice.id).limit(1).with_for_update(skip_locked=True)).scalar_one()
    locked.state = State.PAID
    session.commit()
    expect(session.execute(select(Invoice.state, func.count()).group_by(Invoice.state).order_by(Invoice.state)).all(), [(State.OPEN, 2), (State.PAID, 1)])
    session.delete(ada.invoices[0])
    bob.referrer = None
    session.commit()
    session.delete(ada)
    session.commit()
    expect(session.execute(select(func.count()).select_from(Line)).scalar(), 2)

# The schema as it is, read from the catalog.
inspector = inspect(engine)
expect(set(inspector.get_table_names()) >= {"customer", "invoice", "line", "product", "tag", "tagging"}, True)
columns = {column["name"]: column for column in inspector.get_columns("product")}
expect({name: str(column["type"]) for name, column in columns.items()},
       {"id": "INTEGER", "key": "UUID", "name": "TEXT", "price": "NUMERIC(10, 2)", "attributes": "JSONB", "sizes": "ARRAY", "picture": "BYTEA", "active": "BOOLEAN"} | ({"sizes": str(columns["sizes"]["type"])}))
expect((columns["name"]["nullable"], columns["name"]["comment"], columns["active"]["default"], columns["id"]["default"]), (False, "as printed", "true", "nextval('product_id_seq'::regclass)"))
expect(inspector.get_pk_constraint("line"), {"constrained_columns": ["invoice_id", "no"], "name": "line_pkey"} | ({"comment": None} if "comment" in inspector.get_pk_constraint("line") else {}))
expect(sorted((key["constrained_columns"], key["referred_table"], key["options"]) for key in inspector.get_foreign_keys("line")),
       [(["invoice_id"], "invoice", {"ondelete": "CASCADE"}), (["product_id"], "product", {})])
expect([(index["name"], index["unique"]) for index in inspector.get_indexes("customer")], [("ix_customer_name", False)])
expect([constraint["name"] for constraint in inspector.get_unique_constraints("line")], ["one_line_a_product"])
expect([(check["name"], check["sqltext"]) for check in inspector.get_check_constraints("product")], [("price_is_positive", "price >= (0)::numeric")])
expect(inspector.get_table_comment("product"), {"text": "what is sold"})
expect([(kind["name"], kind["labels"]) for kind in inspector.get_enums()], [("invoice_state", ["OPEN", "PAID"])])
read = MetaData()
read.reflect(engine)
expect(read.tables["line"].c.product_id.references(read.tables["product"].c.id), True)
try:
    with engine.connect() as connection:
        connection.execute(text("select * from nowhere"))
except ProgrammingError as error:
    expect(error.orig.pgcode, "42P01")
with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
    expect(connection.execute(text("show transaction_isolation")).scalar(), "repeatable read")
Base.metadata.drop_all(engine)
print("sqlalchemy: done")
