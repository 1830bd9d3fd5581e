/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of single formats share. Internal to core/images. */
#pragma once

#include "core/base/json.h"
#include "core/images/images.h"

/* A value from outside, within limits. 0; IMAGES_E_REFUSED: it is none; -ENOMEM. */
int images_json(const char *bytes, size_t len, cJSON **ret) MUST_CHECK;

int images_refuse(struct images_file *file, const char *why) MUST_CHECK;
/* Each: of the whole value of a file. 0; IMAGES_E_REFUSED; -ENOMEM. */
int images_read_trivy(const cJSON *json, struct arena *arena, struct images_file *ret) MUST_CHECK;
int images_read_grype(const cJSON *json, struct arena *arena, struct images_file *ret) MUST_CHECK;
/* One line of `cosign download signature`, and a bundle of sigstore. Adds to the claims. */
int images_read_line(const cJSON *json, struct arena *arena, struct images_file *ret) MUST_CHECK;
int images_read_bundle(const cJSON *json, struct arena *arena, struct images_file *ret) MUST_CHECK;
