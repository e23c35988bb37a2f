"""The lists from which parameters are drawn (TPC-H 4.2.2.13), in the order of dbgen's.

The order decides what a random number means.
"""

from __future__ import annotations

from itertools import product
from types import MappingProxyType

REGIONS = ("AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST")

REGION_OF = MappingProxyType(
    {
        "ALGERIA": "AFRICA",
        "ARGENTINA": "AMERICA",
        "BRAZIL": "AMERICA",
        "CANADA": "AMERICA",
        "EGYPT": "MIDDLE EAST",
        "ETHIOPIA": "AFRICA",
        "FRANCE": "EUROPE",
        "GERMANY": "EUROPE",
        "INDIA": "ASIA",
        "INDONESIA": "ASIA",
        "IRAN": "MIDDLE EAST",
        "IRAQ": "MIDDLE EAST",
        "JAPAN": "ASIA",
        "JORDAN": "MIDDLE EAST",
        "KENYA": "AFRICA",
        "MOROCCO": "AFRICA",
        "MOZAMBIQUE": "AFRICA",
        "PERU": "AMERICA",
        "CHINA": "ASIA",
        "ROMANIA": "EUROPE",
        "SAUDI ARABIA": "MIDDLE EAST",
        "VIETNAM": "ASIA",
        "RUSSIA": "EUROPE",
        "UNITED KINGDOM": "EUROPE",
        "UNITED STATES": "AMERICA",
    }
)
NATIONS = tuple(REGION_OF)

SEGMENTS = ("AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY")

SHIP_MODES = ("REG AIR", "AIR", "RAIL", "TRUCK", "MAIL", "FOB", "SHIP")

TYPES = tuple(
    " ".join(words)
    for words in product(
        ("STANDARD", "SMALL", "MEDIUM", "LARGE", "ECONOMY", "PROMO"),
        ("ANODIZED", "BURNISHED", "PLATED", "POLISHED", "BRUSHED"),
        ("TIN", "NICKEL", "BRASS", "STEEL", "COPPER"),
    )
)

CONTAINERS = tuple(
    " ".join(words)
    for words in product(
        ("SM", "LG", "MED", "JUMBO", "WRAP"),
        ("CASE", "BOX", "BAG", "JAR", "PACK", "PKG", "CAN", "DRUM"),
    )
)

COLORS = tuple(
    """
    almond antique aquamarine azure beige bisque black blanched blue blush brown burlywood
    burnished chartreuse chiffon chocolate coral cornflower cornsilk cream cyan dark deep dim
    dodger drab firebrick floral forest frosted gainsboro ghost goldenrod green grey honeydew
    hot indian ivory khaki lace lavender lawn lemon light lime linen magenta maroon medium
    metallic midnight mint misty moccasin navajo navy olive orange orchid pale papaya peach
    peru pink plum powder puff purple red rose rosy royal saddle salmon sandy seashell sienna
    sky slate smoke snow spring steel tan thistle tomato turquoise violet wheat white yellow
    """.split()  # noqa: SIM905 (a list of 92 literals is no easier to read)
)

# Of equal weights, 20 and 40 (distributions Q13a and Q13b)
Q13_FIRST_WORDS = ("special", "pending", "unusual", "express")
Q13_SECOND_WORDS = ("packages", "requests", "accounts", "deposits")
