"""Which methods a path takes, by all routes together: what a 405 answer and its Allow header say.

Routes come from two places, the framework and the table of commands, and neither knows of the
other. Only answers that are refusals anyway ask here, so that finding a route costs nothing more.
"""

from collections.abc import Iterable, Set


class Methods:
    """The methods of every path."""

    def __init__(self, taken: Iterable[tuple[str, Set[str]]]) -> None:
        """Take paths, as `/v1/leads/{id}`, with their methods; a path may come several times."""
        self._fixed: dict[str, set[str]] = {}
        self._templates: dict[tuple[str, ...], set[str]] = {}
        for path, methods in taken:
            if "{" in path:
                parts = tuple("" if part.startswith("{") else part for part in path.split("/"))
                self._templates.setdefault(parts, set()).update(methods)
            else:
                self._fixed.setdefault(path, set()).update(methods)

    def of(self, path: str) -> list[str]:
        """Return what `path` takes, sorted; a path written out comes before one with a blank.

        Empty where there is no such path.
        """
        if path in self._fixed:
            return sorted(self._fixed[path])
        parts = path.split("/")
        fitting = [
            known
            for known in self._templates
            if len(known) == len(parts)
            and all(not here or here == there for here, there in zip(known, parts, strict=True))
        ]
        return sorted(self._templates[min(fitting, key=_blanks)]) if fitting else []

    def refuses(self, method: str, path: str) -> bool:
        """Say whether `path` is a route written out, with other methods only.

        A route with a blank would take it: GET /v1/leads/count is no lead named `count`.
        """
        taken = self._fixed.get(path)
        return taken is not None and method not in taken


def _blanks(parts: tuple[str, ...]) -> int:
    return sum(not part for part in parts[1:])
