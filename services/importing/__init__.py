"""``tongdui registry import``: lists as regions keep them, checked row by row, recorded all or none."""
