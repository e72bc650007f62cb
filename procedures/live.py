"""Which release is live, which stands by, and in which colour: read from and written to the environment file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from procedures.commands import COLOURS, other
from procedures.refusal import Refused

KEYS = ("COMPOSE_PROFILES", "ACTIVE_COLOUR", "RELEASE_BLUE", "RELEASE_GREEN", "RELEASE_MIGRATE")


@dataclass(frozen=True, slots=True)
class Live:
    """The live colour, the release of either colour, that of the migrations, and the profiles that are no colour."""

    colour: str
    blue: str
    green: str
    migrate: str
    profiles: tuple[str, ...] = ()

    @classmethod
    def read(cls, values: Mapping[str, str]) -> Live:
        """From the values of an environment file. Refused when one is missing or the colour is none."""
        missing = [key for key in KEYS if not values.get(key)]
        if missing:
            raise Refused(f"the environment file does not set {', '.join(missing)}", "make setup")
        colour = values["ACTIVE_COLOUR"]
        if colour not in COLOURS:
            raise Refused(f"ACTIVE_COLOUR is {colour!r} in the environment file", "set it to blue or green")
        profiles = (name.strip() for name in values["COMPOSE_PROFILES"].split(","))
        return cls(
            colour,
            values["RELEASE_BLUE"],
            values["RELEASE_GREEN"],
            values["RELEASE_MIGRATE"],
            tuple(name for name in profiles if name and name not in COLOURS),
        )

    @property
    def idle(self) -> str:
        return other(self.colour)

    @property
    def release(self) -> str:
        return self.of(self.colour)

    def of(self, colour: str) -> str:
        """The release of a colour."""
        return self.blue if colour == "blue" else self.green

    def holding(self, colour: str, release: str) -> Live:
        """The same with another release in `colour`."""
        return replace(self, blue=release) if colour == "blue" else replace(self, green=release)

    def moved(self, colour: str) -> Live:
        """The same with another live colour, whose release is then that of the migrations."""
        return replace(self, colour=colour, migrate=self.of(colour))

    def values(self, *, both: bool = False) -> dict[str, str]:
        """The keys of the environment file; `both` brings up either colour instead of the live one only."""
        colours = COLOURS if both else (self.colour,)
        return {
            "COMPOSE_PROFILES": ",".join((*colours, *self.profiles)),
            "ACTIVE_COLOUR": self.colour,
            "RELEASE_BLUE": self.blue,
            "RELEASE_GREEN": self.green,
            "RELEASE_MIGRATE": self.migrate,
        }
