"""The vocabulary: ids, numbers, causes, dispositions, refusals and facts. Depends on nothing."""
