# SPDX-License-Identifier: Apache-2.0
"""Django (3.2 and later) on RustyDB: migrations made and run, models, relations, queries, transactions, and inspectdb.
    django_shop.py SOCKET_DIRECTORY_OR_HOST PORT DATABASE [PASSWORD]"""
import datetime
import decimal
import io
import os
import pathlib
import subprocess
import sys
import tempfile

import django
from django.conf import settings
from django.core.management import call_command

# The models live twice, in two processes: the first makes and runs the first migration, this one goes on with the second.
is_first = "SHOP_DIRECTORY" in os.environ
work = None if is_first else tempfile.TemporaryDirectory()
application = pathlib.Path(os.environ["SHOP_DIRECTORY"] if is_first else work.name) / "shop"
MODELS = '''
import uuid
from django.contrib.postgres.fields import ArrayField
from django.db import models

class Tag(models.Model):
    name = models.CharField(max_length=30, unique=True)

class Product(models.Model):
    key = models.UUIDField(default=uuid.uuid4, unique=True)
    name = models.TextField()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    attributes = models.JSONField(default=dict)
    sizes = ArrayField(models.IntegerField(), default=list)
    picture = models.BinaryField(null=True)
    active = models.BooleanField(default=True)
    tags = models.ManyToManyField(Tag, related_name="products")
    class Meta:
        constraints = [models.CheckConstraint(check=models.Q(price__gte=0), name="price_is_positive")]
        indexes = [models.Index(fields=["name", "-price"], name="by_name")]

class Customer(models.Model):
    name = models.CharField(max_length=80, db_index=True)
    born = models.DateField(null=True)
    referrer = models.ForeignKey("self", null=True, on_delete=models.SET_NULL)

class Invoice(models.Model):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="invoices")
    created = models.DateTimeField(auto_now_add=True)
    term = models.DurationField(null=True)

class Line(models.Model):
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField()
    class Meta:
        unique_together = [("invoice", "product")]
'''
if is_first:
    (application / "migrations").mkdir(parents=True)
    (application / "__init__.py").write_text("")
    (application / "migrations" / "__init__.py").write_text("")
    (application / "models.py").write_text(MODELS)
else:
    subprocess.run([sys.executable, *sys.argv], env={**os.environ, "SHOP_DIRECTORY": work.name}, check=True)
    (application / "models.py").write_text(MODELS.replace("born = models.DateField(null=True)", "born = models.DateField(null=True)\n    email = models.EmailField(default='', db_index=True)")
                                           .replace("max_length=30, unique=True", "max_length=60, unique=True").replace("models.PositiveIntegerField()", "models.PositiveBigIntegerField(default=1)"))
sys.path.insert(0, str(application.parent))
sys.dont_write_bytecode = True
settings.configure(
    SECRET_KEY="example", USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "django.contrib.admin", "django.contrib.messages", "shop"],
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "HOST": sys.argv[1], "PORT": sys.argv[2], "NAME": sys.argv[3], "USER": "admin",
                           "PASSWORD": sys.argv[4] if len(sys.argv) > 4 else ""}})
django.setup()


def expect(got, wanted):
    if got != wanted:
        sys.exit(f"got {got!r}, wanted {wanted!r}")


call_command("makemigrations", "shop", verbosity=0)
call_command("migrate", verbosity=0)
if is_first:
    sys.exit(0)

from django.contrib.auth.models import Group, User
from django.db import IntegrityError, connection, transaction
from django.db.models import Case, Count, Exists, F, OuterRef, Q, Subquery, Sum, Value, When, Window
from django.db.models.functions import Coalesce, ExtractYear, Lower, RowNumber, TruncMonth
from shop.models import Customer, Invoice, Line, Product, Tag

ada = Customer.objects.create(name="Ada", born=datetime.date(1815, 12, 10))
bob = Customer.objects.create(name="Bob", referrer=ada)
red, blue = (Tag.objects.create(name=name) for name in ("red", "blue"))
pen = Product.objects.create(name="Pen", price=decimal.Decimal("1.50"), attributes={"ink": {"colour": "blue"}, "tip": 0.7}, sizes=[1, 2], picture=b"\0\xff")
book = Product.objects.create(name="Book", price=12)
pen.tags.add(red, blue)
book.tags.set([blue])
for customer, quantity in ((ada, 1), (ada, 2), (bob, 5)):
    invoice = Invoice.objects.create(customer=customer, term=datetime.timedelta(days=14, hours=3))
    Line.objects.bulk_create([Line(invoice=invoice, product=pen, quantity=quantity), Line(invoice=invoice, product=book, quantity=1)])
pen.refresh_from_db()
expect((pen.price, pen.attributes["ink"], pen.sizes, bytes(pen.picture), pen.active), (decimal.Decimal("1.50"), {"colour": "blue"}, [1, 2], b"\0\xff", True))
expect(invoice.term, datetime.timedelta(days=14, hours=3))
sums = Customer.objects.annotate(total=Sum(F("invoices__lines__quantity") * F("invoices__lines__product__price")), invoice_count=Count("invoices", distinct=True)).filter(total__gt=10).order_by("name")
expect([(customer.name, customer.total, customer.invoice_count) for customer in sums], [("Ada", decimal.Decimal("28.50"), 2), ("Bob", decimal.Decimal("19.50"), 1)])
expect(list(Product.objects.filter(attributes__ink__colour="blue").values_list("name", flat=True)), ["Pen"])
expect(list(Product.objects.filter(attributes__contains={"tip": 0.7}).values_list("name", flat=True)), ["Pen"])
expect(list(Product.objects.filter(attributes__has_key="ink").values_list("name", flat=True)), ["Pen"])
expect(list(Product.objects.filter(sizes__contains=[2]).values_list("name", flat=True)), ["Pen"])
expect(list(Product.objects.filter(Q(name__icontains="EN") | Q(price__gte=100)).values_list("name", flat=True)), ["Pen"])
expect(list(Product.objects.filter(name__iregex="^b..k$").values_list("name", flat=True)), ["Book"])
expect(list(Product.objects.order_by("id").annotate(kind=Case(When(price__gt=10, then=Value("dear")), default=Value("cheap"))).values_list("kind", flat=True)), ["cheap", "dear"])
expect(list(Product.objects.filter(tags__name="blue").order_by("name").values_list(Lower("name"), flat=True)), ["book", "pen"])
expect(Customer.objects.filter(Exists(Invoice.objects.filter(customer=OuterRef("pk"), lines__quantity__gt=4))).get(), bob)
latest = Invoice.objects.filter(customer=OuterRef("pk")).order_by("-id").values("id")[:1]
expect(Customer.objects.annotate(latest=Subquery(latest)).get(name="Bob").latest, invoice.id)
expect([row["rank"] for row in Invoice.objects.annotate(rank=Window(RowNumber(), partition_by=[F("customer")], order_by=F("id").asc())).order_by("id").values("rank")], [1, 2, 1])
expect(Invoice.objects.annotate(month=TruncMonth("created"), year=ExtractYear("created")).values("month", "year").annotate(n=Count("id")).get()["n"], 3)
expect(Customer.objects.annotate(by=Coalesce("referrer__name", Value("nobody"))).order_by("id").values_list("by", flat=True)[1], "Ada")
expect(len(Customer.objects.prefetch_related("invoices__lines__product").select_related("referrer")), 2)
expect(Product.objects.filter(name="Book").update(price=F("price") * 2), 1)
expect(Tag.objects.update_or_create(name="red", defaults={})[1], False)
expect(Tag.objects.bulk_create([Tag(name="red"), Tag(name="green")], ignore_conflicts=True) and Tag.objects.count(), 3)
expect(Tag.objects.filter(name="red").union(Tag.objects.filter(name="green")).count(), 2)
try:
    with transaction.atomic():
        Product.objects.create(name="Free", price=-1)
except IntegrityError as error:
    expect(error.__cause__.pgcode, "23514")
with transaction.atomic():
    locked = Invoice.objects.select_for_update(skip_locked=True).order_by("id").first()
    locked.delete()
ada.delete()
expect(Line.objects.count(), 2)
user = User.objects.create_user("ada", "ada@example.com", "secret")
user.groups.add(Group.objects.create(name="staff"))
expect(User.objects.filter(groups__name="staff").count(), 1)
out = io.StringIO()
call_command("inspectdb", "shop_product", "shop_line", stdout=out)
for words in ("class ShopProduct(models.Model):", "price = models.DecimalField(max_digits=10, decimal_places=2)", "key = models.UUIDField(unique=True)", "unique_together = (('invoice', 'product'),)",
              "product = models.ForeignKey(ShopProduct, models.DO_NOTHING)"):
    expect((words in out.getvalue(), out.getvalue() if words not in out.getvalue() else ""), (True, ""))
constraints = connection.introspection.get_constraints(connection.cursor(), "shop_product")
expect(constraints["by_name"]["columns"], ["name", "price"])
expect(constraints["by_name"]["orders"], ["ASC", "DESC"])
call_command("migrate", "shop", "zero", verbosity=0)
call_command("flush", interactive=False, verbosity=0)
print("django: done")
