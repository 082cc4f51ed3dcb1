def growth(n): return []
