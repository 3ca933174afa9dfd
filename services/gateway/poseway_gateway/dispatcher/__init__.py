"""The dispatcher: takes jobs from the queue and drives them through the other services."""
