"""Building certificates, CRLs and OCSP responses (RFC 5280, RFC 6960) and having a Signer sign them.

Only structures: no policy, no database, no clock. asn1crypto writes the DER.
"""
