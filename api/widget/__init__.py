"""The storefront widget: its source, how it is made small, how it is served."""
