"""Signatures and attestations of images, in sigstore's formats, made and checked with one key of AWS KMS.

`key` signs and verifies, `formats` says what is signed and how it is stored, `repository` puts it beside the image,
`verification` looks for it.
"""
