/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/base/openssl.h"

#include <errno.h>
#include <limits.h>

#include "edge/base/library.h"

#define LIBRARY "libcrypto.so.3"

int openssl_load(struct openssl *ret)
{
	void *library = library_open(LIBRARY);
	bool found = true;

#define OPENSSL_FIND(name) found = found && library_find(library, #name, &ret->name, sizeof(ret->name))
	OPENSSL_FUNCTIONS(OPENSSL_FIND);
#undef OPENSSL_FIND
	return found ? 0 : -ELIBACC;
}

/* A public key is not encrypted; a file that says it is must not make a service ask a terminal. */
static int no_pass_phrase(char *ret, int size, int is_writing, void *userdata)
{
	(void)ret;
	(void)size;
	(void)is_writing;
	(void)userdata;
	return -1;
}

EVP_PKEY *openssl_read_public(const struct openssl *ssl, const char *pem, size_t len)
{
	BIO *bio = len <= INT_MAX ? ssl->BIO_new_mem_buf(pem, (int)len) : NULL;
	EVP_PKEY *key = bio ? ssl->PEM_read_bio_PUBKEY(bio, NULL, no_pass_phrase, NULL) : NULL;

	(void)ssl->BIO_free(bio);
	ssl->ERR_clear_error();
	return key;
}

int openssl_verify(const struct openssl *ssl, EVP_PKEY *key, const struct openssl_signed *what)
{
	bool is_plain = ssl->EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
	EVP_MD_CTX *context = ssl->EVP_MD_CTX_new();
	bool verifies =
		context &&
		ssl->EVP_DigestVerifyInit(context, NULL, is_plain ? NULL : ssl->EVP_sha256(), NULL,
					  key) == 1 &&
		ssl->EVP_DigestVerify(context, what->signature, what->signature_len, what->message,
				      what->len) == 1;
	int r = context ? verifies : -ENOMEM;

	ssl->EVP_MD_CTX_free(context);
	ssl->ERR_clear_error();
	return r;
}
