/* SPDX-License-Identifier: Apache-2.0 */
/* Gramine manifests: template to text, defaults, the exact text form that is measured. */
#ifndef MSE_MEASURE_MANIFEST_H
#define MSE_MEASURE_MANIFEST_H

#include "base/toml.h"

#define MSE_MANIFEST_MAX_SIZE (64U << 20)

/* Whose tools are followed; see docs/gramine.md. */
enum mse_gramine { MSE_GRAMINE_1_9, MSE_GRAMINE_1_5 };

/* What a template may refer to. Strings are borrowed. */
struct mse_template_variable {
    const char *name;
    const char *value;
};
struct mse_template_environment {
    const struct mse_template_variable *variables; /* -Dname=value */
    size_t variable_count;
    const char *libos;         /* gramine.libos; NULL: an error where it is used */
    const char *pkglibdir;     /* gramine.pkglibdir */
    const char *runtimedir;    /* gramine.runtimedir() */
    const char *python_stdlib; /* python.stdlib */
    const char *(*env)(const void *context, const char *name); /* NULL where unset */
    const void *env_context;
};

/*
 * Renders "{{ NAME }}", "{{ gramine.libos }}", "{{ gramine.pkglibdir }}",
 * "{{ gramine.runtimedir() }}", "{{ python.stdlib }}", "{{ env.NAME }}", "{{ env['NAME'] }}" and
 * "{{ env.get('NAME', 'DEFAULT') }}"; "{# ... #}" comments vanish, line ends become "\n".
 * Everything else in braces is MSE_ERR_UNSUPPORTED with line and column, an unknown name
 * MSE_ERR_MISSING. Of two variables with one name the last counts. On failure out is as before.
 */
MSE_MUST_CHECK bool mse_template_render(struct mse_bytes in,
                                        const struct mse_template_environment *environment,
                                        struct mse_writer *out, struct mse_error *err);

/* A manifest that can be changed; its order is the order of the text. */
struct mse_manifest {
    struct mse_toml_value *root; /* owned */
    enum mse_gramine rules;
};
MSE_MUST_CHECK bool mse_manifest_parse(struct mse_bytes in, enum mse_gramine rules,
                                       struct mse_manifest *out, struct mse_error *err);
void mse_manifest_cleanup(struct mse_manifest *manifest);
/*
 * Appends what is absent, in the order of the rules. libos: the default of loader.entrypoint.uri,
 * without "file:" (1.9 only). Does not hash: loader.entrypoint.sha256 is mse_trusted_files's.
 */
MSE_MUST_CHECK bool mse_manifest_add_defaults(struct mse_manifest *manifest, const char *libos,
                                              struct mse_error *err);
/* The exact bytes that are measured; ends with one newline. */
void mse_manifest_write(const struct mse_manifest *manifest, struct mse_writer *out);

/* Changing a table: members are appended, or replaced where they are. key may hold any text. */
struct mse_toml_value *mse_manifest_table(struct mse_toml_value *table, const char *key);
struct mse_toml_value *mse_manifest_put_text(struct mse_toml_value *table, const char *key,
                                             const char *text);
struct mse_toml_value *mse_manifest_put_integer(struct mse_toml_value *table, const char *key,
                                                int64_t value);
struct mse_toml_value *mse_manifest_put_boolean(struct mse_toml_value *table, const char *key,
                                                bool value);
/* An empty array; elements are appended to it. Each returns NULL when memory is out. */
struct mse_toml_value *mse_manifest_put_array(struct mse_toml_value *table, const char *key);
struct mse_toml_value *mse_manifest_append_table(struct mse_toml_value *array);
struct mse_toml_value *mse_manifest_append_text(struct mse_toml_value *array, const char *text);
/* Writable member, or NULL. */
struct mse_toml_value *mse_manifest_member(struct mse_toml_value *table, const char *key);

/* What of the manifest steers the measurement and the signature, checked. */
enum mse_cpu_feature_setting { MSE_CPU_UNSPECIFIED, MSE_CPU_DISABLED, MSE_CPU_REQUIRED };
struct mse_enclave_settings {
    uint64_t size; /* bytes */
    uint32_t max_threads;
    bool edmm, debug, use_exinfo;
    uint16_t isv_prod_id, isv_svn;
    enum mse_cpu_feature_setting avx, avx512, amx, mpx, pkru;
    bool fixed_xfrm_mask; /* 1.5: a required feature sets its bits in XFRM, none in the mask */
};
MSE_MUST_CHECK bool mse_manifest_settings(const struct mse_manifest *manifest,
                                          struct mse_enclave_settings *out, struct mse_error *err);
/* "8G", "8192M", "0x10000000": an integer literal with an optional suffix K, M or G. */
MSE_MUST_CHECK bool mse_manifest_size_read(const char *text, uint64_t *out, struct mse_error *err);

#endif
