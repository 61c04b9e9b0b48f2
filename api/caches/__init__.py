"""Answers that are kept, in three tiers: docs/caches.md explains them."""
