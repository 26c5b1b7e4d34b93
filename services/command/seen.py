"""What was seen before, in little memory: a file may name a million numbers."""

from array import array


class Seen:
    """Remembers 64-bit hashes in 8 bytes each: what a file has named before."""

    def __init__(self, most: int) -> None:
        """Have room for so many."""
        self._mask = (1 << max(10, (most * 3 // 2).bit_length())) - 1
        self._places = array("Q", bytes(8 * (self._mask + 1)))

    def __contains__(self, value: int) -> bool:
        value = value or 1
        places, mask = self._places, self._mask
        at = value & mask
        while places[at]:
            if places[at] == value:
                return True
            at = (at + 1) & mask
        return False

    def add(self, value: int) -> bool:
        """Remember it; False when it was there."""
        value = value or 1
        places, mask = self._places, self._mask
        at = value & mask
        while places[at]:
            if places[at] == value:
                return False
            at = (at + 1) & mask
        places[at] = value
        return True
