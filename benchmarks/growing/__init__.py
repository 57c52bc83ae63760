"""How the growth benchmark makes chains and fills logs with them."""
