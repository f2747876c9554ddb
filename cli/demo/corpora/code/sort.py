def insertion_sort(items):
    """Sorts a list in place and returns it."""
    for i in range(1, len(items)):
        item, j = items[i], i
        while j and items[j - 1] > item:
            items[j] = items[j - 1]
            j -= 1
        items[j] = item
    return items
