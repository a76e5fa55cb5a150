"""Returns (返品・交換): what is asked over the doors, and what is answered; `pipelines.rules.returns` judges it."""
