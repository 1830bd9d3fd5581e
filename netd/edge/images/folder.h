/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder of image reports and signatures, and the one of public keys, as they are now: *.json
 * and *.jsonl, NAME.payload with NAME.sig; *.pem and *.pub. It takes seconds where there are many,
 * so netd does it beside its loop (edge/beside). Used by netdctl, too.
 *
 * A file that others than its owner may write, a symbolic link, and what is no regular file count
 * for nothing, and so does a folder that everybody may write to: what is told there opens the
 * network. The folder of keys must be its owner's alone. */
#pragma once

#include "core/images/images.h"

/* @keys NULL or not there: no key. A folder that is not there is empty. What is wrong with single
 * files is in the result, as refused. 0; -ENOMEM; -errno: the folder cannot be read. */
int images_folder_read(const char *folder, const char *keys, struct images **ret) MUST_CHECK;
