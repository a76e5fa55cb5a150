"""What may be asked of an order: one action a file, found by name (`pipelines.orders.act.actions`)."""
