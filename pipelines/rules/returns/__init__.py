"""Returns (返品・交換): who may return what, how many, until when, at whose cost, with which remedies, and what it gives back."""
