"""A mapping file in full, to start from; shown by ``coterie load --help`` and in the docs."""

from __future__ import annotations

from typing import Final

__all__ = ["EXAMPLE_MAPPING"]

EXAMPLE_MAPPING: Final = """\
# How Coterie reads this shop. Only [events] is needed.
# Paths are relative to this file.
currency = "EUR"              # ISO 4217
time_zone = "Europe/Berlin"   # local times become UTC

[events]                      # one row a sale line (or other event)
file = "sales.csv.gz"         # .csv, .csv.gz, .parquet, .jsonl
separator = ";"
encoding = "cp1252"
decimal = ","
thousands = "."
user = "Customer"             # the columns of your file
product = "SKU"
at = "Date"
date_format = "%d.%m.%Y %H:%M"  # or "iso", "epoch_s", "epoch_ms", "epoch_us"
order = "Order no"
quantity = "Units"
unit_price = "Unit price"     # or: value = "Line total"
event = "purchase"            # or, where a column says what a line is:
# event_column = "Action"
# event_names = { bought = "purchase", looked = "view_item" }
title = "Description"
user_attributes = { country = "Country" }

[products]                    # optional: one row a product
file = "products.csv"
product = "SKU"
title = "Name"
price = "List price"
brand = "Brand"
categories = ["Department", "Group", "Type"]   # broadest first
attributes = ["Colour", "Size"]

[users]                       # optional: one row a customer
file = "customers.parquet"
user = "id"
attributes = { age = "age_band", city = "city" }

[cancellations]               # lines that take back a sale
column = "Order no"
starts_with = "C"             # or: equals = ["refund"], matches = "^(R|C)"
negative = true               # a negative quantity is one too
effect = "net"                # off the latest earlier sale; or "drop"

[non_products]                # postage, fees, vouchers
codes = ["POST", "FEE"]
matches = "^GIFT_"
action = "drop"

[cleaning]
unreadable = "refuse"         # or "drop": lines with a bad date or number
duplicates = "drop"           # or "keep": rows equal in every column
anonymous = "keep"            # or "drop": lines without a customer
no_price = "drop"             # or "keep"
outliers = "flag"             # or "clip", "drop"
"""
