"""The object identifiers that asn1crypto does not name, each with its source.

asn1crypto takes a dotted identifier wherever it takes a name, so nothing is registered with it: its maps
are module state, and other rooms read the same structures.
"""

from typing import Final

SM2_WITH_SM3: Final = "1.2.156.10197.1.501"  # GM/T 0006-2012
CURVE_SM2: Final = "1.2.156.10197.1.301"  # GM/T 0006-2012

SHA256: Final = "2.16.840.1.101.3.4.2.1"  # RFC 5754

RELATED_CERTIFICATE: Final = "1.3.6.1.5.5.7.1.36"  # RFC 9763 section 4.1, id-pe-relatedCert
POISON: Final = "1.3.6.1.4.1.11129.2.4.3"  # RFC 6962 section 3.1
SCT_LIST: Final = "1.3.6.1.4.1.11129.2.4.2"  # RFC 6962 section 3.3

SUBJECT_KEY_ID: Final = "2.5.29.14"  # RFC 5280 section 4.2.1
KEY_USAGE: Final = "2.5.29.15"
SUBJECT_ALT_NAME: Final = "2.5.29.17"
BASIC_CONSTRAINTS: Final = "2.5.29.19"
CRL_NUMBER: Final = "2.5.29.20"
NAME_CONSTRAINTS: Final = "2.5.29.30"
CRL_DISTRIBUTION_POINTS: Final = "2.5.29.31"
AUTHORITY_KEY_ID: Final = "2.5.29.35"
EXTENDED_KEY_USAGE: Final = "2.5.29.37"
AUTHORITY_INFO_ACCESS: Final = "1.3.6.1.5.5.7.1.1"

SERVER_AUTH: Final = "1.3.6.1.5.5.7.3.1"  # RFC 5280 section 4.2.1.12
CLIENT_AUTH: Final = "1.3.6.1.5.5.7.3.2"
ANY_EXTENDED_KEY_USAGE: Final = "2.5.29.37.0"
