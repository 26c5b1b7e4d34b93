"""Names and numbers for people who never gave any: invented, and the same at every run.

The numbers are from ranges that Ofcom (GB) and ACMA (AU) keep free for fiction: they reach nobody.
"""

_BRITISH = (
    "113496", "114496", "115496", "116496", "117496", "118496", "121496", "131496", "141496",
    "151496", "161496", "191498", "207946", "292018",
)  # fmt: skip
"""National numbers up to the four digits 0000–0999: geographic ranges of twelve cities and two."""

_BRITISH_THOUSANDS = ("1632960", "7700900", "8081570", "3069990", "2896496")
"""National numbers up to the three digits 000–999."""

_AUSTRALIAN = ("25550", "35550", "75550", "85550")
"""National numbers up to the four digits 0000–9999."""

_FIRST = (
    "Ada", "Alba", "Ana", "Bela", "Bruno", "Carla", "Celia", "Dario", "Dora", "Edgar", "Elisa",
    "Emil", "Fabio", "Flora", "Gaspar", "Gina", "Hugo", "Ida", "Igor", "Irene", "Jaime", "Joana",
    "Karin", "Lara", "Leo", "Lidia", "Lucas", "Marta", "Mateo", "Mila", "Nadia", "Nelson", "Nina",
    "Olga", "Oscar", "Paula", "Petra", "Rafael", "Rita", "Rosa", "Rui", "Sara", "Simon", "Sofia",
    "Telmo", "Teresa", "Tiago", "Vera", "Victor", "Wanda", "Xavier", "Yara", "Zita",
)  # fmt: skip
_LAST = (
    "Abreu", "Almeida", "Amaral", "Barros", "Bento", "Borges", "Braga", "Cabral", "Campos",
    "Cardoso", "Castro", "Coelho", "Correia", "Costa", "Couto", "Cunha", "Dias", "Duarte",
    "Esteves", "Faria", "Ferraz", "Fonseca", "Freitas", "Gama", "Garcia", "Gomes", "Guerra",
    "Henriques", "Jardim", "Leal", "Leite", "Lemos", "Lobo", "Lopes", "Macedo", "Maia", "Marques",
    "Matos", "Melo", "Mendes", "Moreira", "Moura", "Neves", "Nunes", "Pacheco", "Paiva", "Pinto",
    "Pires", "Prado", "Ramos", "Reis", "Ribeiro", "Rocha", "Sales", "Seabra", "Serra", "Soares",
    "Tavares", "Teles", "Torres", "Valente", "Vargas", "Viana", "Xisto",
)  # fmt: skip

NUMBERS = 59_000
_STEP = 27_211  # prime, and no divisor of NUMBERS: neighbours get numbers of different places


def phone_of(person: int) -> str:
    """Return the number of a person, counted from 1: E.164, unique up to 59,000 people."""
    assert 0 < person <= NUMBERS, "there are no more numbers reserved for fiction here"
    at = person * _STEP % NUMBERS
    if at < 40_000:
        return f"+61{_AUSTRALIAN[at % 4]}{at // 4:04d}"
    at -= 40_000
    if at < 14_000:
        return f"+44{_BRITISH[at % 14]}{at // 14:04d}"
    at -= 14_000
    return f"+44{_BRITISH_THOUSANDS[at % 5]}{at // 5:03d}"


def name_of(person: int) -> str:
    """Return a name for a person."""
    return f"{_FIRST[person * 31 % len(_FIRST)]} {_LAST[person * 17 % len(_LAST)]}"
