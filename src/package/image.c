/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an image's descriptions to its file system: OCI image layout (OCI image specification 1.1,
 * image-layout.md, manifest.md, config.md) and the archives of docker save.
 */
#include "package/image.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "package/image_archive.h"
#include "package/image_config.h"

#define DESCRIPTION_MAX (4U << 20)
#define INDEX_DEPTH 3
#define REF_NAME "org.opencontainers.image.ref.name"

struct layer {
    struct image_blob blob;
    bool has_digest;
    uint8_t digest[32];
};

struct mse_image {
    struct mse_file_source source; /* first: what callers get */
    struct image_archive archive;
    struct image_tree tree;
    const struct image_node *directory; /* relative paths begin here */
    struct layer layers[MSE_IMAGE_MAX_LAYERS];
    size_t layer_count;
    char config[128]; /* name of the configuration's part */
    uint8_t config_digest[32];
    bool has_config_digest;
    struct image_config start;
};

/* A part that was read and parsed. */
struct description {
    uint8_t *data;
    size_t len;
    struct mse_json json;
};

static void description_free(struct description *d)
{
    mse_json_cleanup(&d->json);
    free(d->data);
    *d = (struct description){ 0 };
}

static bool description_read(struct mse_image *image, const char *name, const uint8_t *digest,
                             struct description *out, struct mse_error *err)
{
    struct image_blob blob;
    uint8_t actual[32];
    bool found = false;

    *out = (struct description){ 0 };
    if (!image_archive_find(&image->archive, name, &found, &blob, err))
        return false;
    if (!found)
        return mse_fail_text(err, MSE_ERR_MISSING, "image", "%s is not in it", name);
    if (!image_blob_read(&blob, DESCRIPTION_MAX, &out->data, &out->len, err))
        return false;
    mse_sha256((struct mse_bytes){ out->data, out->len }, actual);
    if (digest != NULL && memcmp(actual, digest, 32) != 0) {
        description_free(out);
        return mse_fail_text(err, MSE_ERR_MISMATCH, "image", "%s does not have its digest", name);
    }
    if (mse_json_parse((struct mse_bytes){ out->data, out->len }, &out->json, err))
        return true;
    description_free(out);
    return mse_fail_in(err, "image: %s", name);
}

/* "sha256:HEX" */
static bool digest_read(const struct mse_json *json, const struct mse_json_value *descriptor,
                        uint8_t out[static 32], struct mse_error *err)
{
    struct mse_bytes text;

    if (!mse_json_get_plain(json, descriptor, "digest", &text, err))
        return false;
    if (text.len != 7 + 64 || memcmp(text.data, "sha256:", 7) != 0 ||
        !mse_hex_read((const char *)text.data + 7, 64, out, 32))
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "image", "a digest is not sha256:HEX");
    return true;
}

static void blob_name(const uint8_t digest[static 32], char *out, size_t size)
{
    char hex[65];

    mse_hex_write(digest, 32, hex);
    (void)snprintf(out, size, "blobs/sha256/%s", hex);
}

static bool add_layer(struct mse_image *image, const char *name, const uint8_t *digest,
                      struct mse_error *err)
{
    struct layer *layer = &image->layers[image->layer_count];
    bool found = false;

    if (image->layer_count >= MSE_IMAGE_MAX_LAYERS)
        return mse_fail_text(err, MSE_ERR_LIMIT, "image", "more than %d layers",
                             MSE_IMAGE_MAX_LAYERS);
    if (!image_archive_find(&image->archive, name, &found, &layer->blob, err))
        return false;
    if (!found)
        return mse_fail_text(err, MSE_ERR_MISSING, "image", "layer %s is not in it", name);
    layer->has_digest = digest != NULL;
    if (digest != NULL)
        memcpy(layer->digest, digest, 32);
    image->layer_count++;
    return true;
}

/* ---- OCI layout --------------------------------------------------------------------------- */

static bool read_manifest(struct mse_image *image, const struct description *d,
                          struct mse_error *err)
{
    const struct mse_json_value *config, *layers, *layer;
    uint8_t digest[32];
    char name[128];

    if (!mse_json_get_object(&d->json, &d->json.values[0], "config", &config, err) ||
        !digest_read(&d->json, config, image->config_digest, err) ||
        !mse_json_get_array(&d->json, &d->json.values[0], "layers", &layers, err))
        return false;
    blob_name(image->config_digest, image->config, sizeof(image->config));
    image->has_config_digest = true;
    for (layer = mse_json_first(&d->json, layers); layer != NULL;
         layer = mse_json_next(&d->json, layers, layer)) {
        if (!digest_read(&d->json, layer, digest, err))
            return false;
        blob_name(digest, name, sizeof(name));
        if (!add_layer(image, name, digest, err))
            return false;
    }
    return true;
}

static bool member_is(const struct mse_json *json, const struct mse_json_value *object,
                      const char *name, const char *want)
{
    const struct mse_json_value *v = mse_json_member(json, object, name);

    return v != NULL && v->type == MSE_JSON_STRING &&
           mse_bytes_equal_text(mse_json_span(json, v), want);
}

/* By reference (tag or digest), else what runs on this kind of machine; all if nothing is said. */
static bool is_wanted(const struct mse_json *json, const struct mse_json_value *entry,
                      const char *reference)
{
    const struct mse_json_value *platform = mse_json_member(json, entry, "platform");
    const struct mse_json_value *notes = mse_json_member(json, entry, "annotations");

    if (reference != NULL)
        return member_is(json, entry, "digest", reference) ||
               member_is(json, notes, REF_NAME, reference) ||
               member_is(json, notes, "io.containerd.image.name", reference);
    return platform == NULL || (member_is(json, platform, "os", "linux") &&
                                member_is(json, platform, "architecture", "amd64"));
}

static bool choose(const struct description *d, const char *reference, uint8_t out[static 32],
                   struct mse_error *err)
{
    const struct mse_json_value *entries, *entry;
    size_t wanted = 0;

    if (!mse_json_get_array(&d->json, &d->json.values[0], "manifests", &entries, err))
        return false;
    for (entry = mse_json_first(&d->json, entries); entry != NULL;
         entry = mse_json_next(&d->json, entries, entry)) {
        if (!is_wanted(&d->json, entry, reference))
            continue;
        if (!digest_read(&d->json, entry, out, err))
            return false;
        wanted++;
    }
    if (wanted == 1)
        return true;
    return wanted == 0 ? mse_fail_text(err, MSE_ERR_MISSING, "image",
                                       reference != NULL ? "no image of that reference is in it"
                                                         : "no image for linux/amd64 is in it")
                       : mse_fail_text(err, MSE_ERR_DUPLICATE, "image",
                                       "%zu images are in it: name one by tag or digest", wanted);
}

/* An index may lead to another one. Only the outermost has references. */
static bool read_oci(struct mse_image *image, const char *reference, struct mse_error *err)
{
    struct description d;
    uint8_t digest[32];
    char name[128] = "index.json";
    bool ok = description_read(image, name, NULL, &d, err), done = false;

    for (unsigned depth = 0; ok && !done; depth++) {
        if (mse_json_member(&d.json, &d.json.values[0], "manifests") == NULL) {
            ok = read_manifest(image, &d, err);
            done = true;
        } else if (depth >= INDEX_DEPTH) {
            ok = mse_fail_text(err, MSE_ERR_LIMIT, "image", "indices lead on and on");
        } else {
            ok = choose(&d, depth == 0 ? reference : NULL, digest, err);
        }
        description_free(&d);
        if (ok && !done) {
            blob_name(digest, name, sizeof(name));
            ok = description_read(image, name, digest, &d, err);
        }
    }
    return ok;
}

/* ---- docker save -------------------------------------------------------------------------- */

static bool plain_name(const struct mse_json *json, const struct mse_json_value *v, char *out,
                       size_t size, struct mse_error *err)
{
    struct mse_bytes text;

    if (v == NULL || v->type != MSE_JSON_STRING || v->escaped)
        return mse_fail_text(err, MSE_ERR_FORMAT, "manifest.json", "lacks the name of a part");
    text = mse_json_span(json, v);
    if (text.len == 0 || text.len >= size)
        return mse_fail(err, MSE_ERR_LIMIT, text.len, "manifest.json");
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

static bool has_tag(const struct mse_json *json, const struct mse_json_value *entry,
                    const char *reference)
{
    const struct mse_json_value *tags = mse_json_member(json, entry, "RepoTags");

    if (reference == NULL)
        return true;
    for (const struct mse_json_value *tag = mse_json_first(json, tags); tag != NULL;
         tag = mse_json_next(json, tags, tag)) {
        if (tag->type == MSE_JSON_STRING &&
            mse_bytes_equal_text(mse_json_span(json, tag), reference))
            return true;
    }
    return false;
}

/* The configuration is named by its digest: "HEX.json", or "blobs/sha256/HEX". */
static void config_digest(struct mse_image *image)
{
    const char *slash = strrchr(image->config, '/');
    const char *name = slash != NULL ? slash + 1 : image->config;

    image->has_config_digest = strlen(name) >= 64 &&
                               mse_hex_read(name, 64, image->config_digest, 32);
}

static bool read_docker(struct mse_image *image, const char *reference, struct mse_error *err)
{
    const struct mse_json_value *entry, *wanted = NULL, *layers, *layer;
    struct description d;
    char name[256];
    bool ok = description_read(image, "manifest.json", NULL, &d, err);

    if (!ok)
        return false;
    for (entry = mse_json_first(&d.json, &d.json.values[0]); ok && entry != NULL;
         entry = mse_json_next(&d.json, &d.json.values[0], entry)) {
        if (!has_tag(&d.json, entry, reference))
            continue;
        if (wanted != NULL)
            ok = mse_fail_text(err, MSE_ERR_DUPLICATE, "image",
                               "several images are in it: name one by tag");
        wanted = entry;
    }
    if (ok && wanted == NULL)
        ok = mse_fail_text(err, MSE_ERR_MISSING, "image", "no image of that reference is in it");
    ok = ok &&
         plain_name(&d.json, mse_json_member(&d.json, wanted, "Config"), image->config,
                    sizeof(image->config), err) &&
         mse_json_get_array(&d.json, wanted, "Layers", &layers, err);
    if (ok)
        config_digest(image);
    for (layer = ok ? mse_json_first(&d.json, layers) : NULL; ok && layer != NULL;
         layer = mse_json_next(&d.json, layers, layer))
        ok = plain_name(&d.json, layer, name, sizeof(name), err) &&
             add_layer(image, name, NULL, err);
    description_free(&d);
    return ok;
}

/* ---- layers ------------------------------------------------------------------------------- */

/* The configuration states the digest of each uncompressed layer, in order. */
static bool apply_layers(struct mse_image *image, const struct mse_image_limits *limits,
                         struct mse_error *err)
{
    const struct mse_json_value *rootfs, *ids, *id;
    struct description d;
    uint64_t bytes_left = limits->bytes;
    size_t i = 0;
    bool ok = description_read(image, image->config,
                               image->has_config_digest ? image->config_digest : NULL, &d, err);

    if (!ok)
        return false;
    ok = image_config_read(&d.json, &d.json.values[0], &image->start, err) &&
         mse_json_get_object(&d.json, &d.json.values[0], "rootfs", &rootfs, err) &&
         mse_json_get_array(&d.json, rootfs, "diff_ids", &ids, err);
    for (id = ok ? mse_json_first(&d.json, ids) : NULL; ok && id != NULL;
         id = mse_json_next(&d.json, ids, id), i++) {
        struct mse_bytes text = mse_json_span(&d.json, id);
        uint8_t diff_id[32];
        struct image_layer_job job;

        if (i >= image->layer_count || id->type != MSE_JSON_STRING || text.len != 71 ||
            memcmp(text.data, "sha256:", 7) != 0 ||
            !mse_hex_read((const char *)text.data + 7, 64, diff_id, 32)) {
            ok = mse_fail_text(err, MSE_ERR_FORMAT, "image", "its diff_ids do not fit its layers");
            break;
        }
        job = (struct image_layer_job){ .blob = image->layers[i].blob,
                                        .number = (unsigned)i,
                                        .limits = limits,
                                        .bytes_left = &bytes_left,
                                        .blob_sha256 = image->layers[i].has_digest
                                                           ? image->layers[i].digest
                                                           : NULL,
                                        .tar_sha256 = diff_id };
        ok = image_layer_apply(&job, &image->tree, err) || mse_fail_in(err, "layer %zu", i + 1);
    }
    if (ok && i != image->layer_count)
        ok = mse_fail_text(err, MSE_ERR_FORMAT, "image", "its diff_ids do not fit its layers");
    description_free(&d);
    return ok;
}

/* ---- as a source of files ----------------------------------------------------------------- */

static const struct mse_image *image_of(const struct mse_file_source *self)
{
    return (const struct mse_image *)(const void *)self; /* its first member */
}

static const struct image_node *find(const struct mse_image *image, const char *path, bool follow)
{
    return image_find(&image->tree, image->directory, path, follow);
}

static bool source_look(const struct mse_file_source *self, const char *path,
                        enum mse_node_type *type, bool *is_link, struct mse_error *err)
{
    const struct image_node *node = find(image_of(self), path, true);
    const struct image_node *last = find(image_of(self), path, false);

    (void)err;
    *is_link = last != NULL && last->type == IMAGE_LINK;
    if (node == NULL)
        *type = MSE_NODE_ABSENT;
    else if (node->type == IMAGE_FILE)
        *type = MSE_NODE_FILE;
    else
        *type = node->type == IMAGE_DIRECTORY ? MSE_NODE_DIRECTORY : MSE_NODE_OTHER;
    return true;
}

static bool source_list(const struct mse_file_source *self, const char *path,
                        bool (*each)(void *context, const char *name, struct mse_error *err),
                        void *context, struct mse_error *err)
{
    const struct image_node *node = find(image_of(self), path, true);

    if (node == NULL || node->type != IMAGE_DIRECTORY)
        return mse_fail_text(err, MSE_ERR_MISSING, "image", "is no directory in the image");
    for (const struct image_node *c = node->children; c != NULL; c = c->next) {
        if (!each(context, c->name, err))
            return false;
    }
    return true;
}

static bool source_digest(const struct mse_file_source *self, const char *path,
                          uint8_t out[static 32], struct mse_error *err)
{
    const struct image_node *node = find(image_of(self), path, true);

    if (node == NULL || node->type != IMAGE_FILE)
        return mse_fail_text(err, MSE_ERR_MISSING, "image", "is no file in the image");
    memcpy(out, node->sha256, 32);
    return true;
}

bool mse_image_open(const char *path, const char *reference, const struct mse_image_limits *limits,
                    struct mse_image **out, struct mse_error *err)
{
    const struct mse_image_limits defaults = MSE_IMAGE_DEFAULT_LIMITS;
    struct mse_image *image = calloc(1, sizeof(*image));
    struct image_blob blob;
    bool is_oci = false, ok;

    *out = NULL;
    if (image == NULL)
        return mse_fail_memory(err);
    if (limits == NULL)
        limits = &defaults;
    image->source = (struct mse_file_source){ .look = source_look,
                                              .list = source_list,
                                              .digest = source_digest };
    image->directory = &image->tree.root;
    ok = image_archive_open(path, &image->archive, err) &&
         image_tree_init(&image->tree, limits->entries, err) &&
         image_archive_find(&image->archive, "index.json", &is_oci, &blob, err) &&
         (is_oci ? read_oci(image, reference, err) : read_docker(image, reference, err)) &&
         apply_layers(image, limits, err);
    if (ok)
        *out = image;
    else
        mse_image_free(image);
    return ok;
}

void mse_image_free(struct mse_image *image)
{
    if (image == NULL)
        return;
    image_archive_close(&image->archive);
    image_config_cleanup(&image->start);
    image_tree_cleanup(&image->tree);
    free(image);
}

const struct mse_file_source *mse_image_source(const struct mse_image *image)
{
    return &image->source;
}

bool mse_image_enter(struct mse_image *image, const char *directory, struct mse_error *err)
{
    const struct image_node *node = image_find(&image->tree, &image->tree.root, directory, true);

    if (node == NULL || node->type != IMAGE_DIRECTORY)
        return mse_fail_text(err, MSE_ERR_MISSING, "image", "%s is no directory in it", directory);
    image->directory = node;
    return true;
}

bool mse_image_read(const struct mse_image *image, const char *path, size_t cap, uint8_t **out,
                    size_t *len, struct mse_error *err)
{
    const struct image_node *node = find(image, path, true);

    *out = NULL;
    *len = 0;
    if (node == NULL || node->type != IMAGE_FILE)
        return mse_fail_text(err, MSE_ERR_MISSING, "image", "%s is no file in it", path);
    if (node->content_layer >= image->layer_count)
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "image", "%s was put into it by its digest",
                             path);
    return image_layer_read(&image->layers[node->content_layer].blob, node->entry, cap, out, len,
                            err);
}

const char *mse_image_link(const struct mse_image *image, const char *path)
{
    const struct image_node *node = find(image, path, false);

    return node != NULL && node->type == IMAGE_LINK ? node->target : NULL;
}

/* ---- what a container adds ---------------------------------------------------------------- */

const char *mse_image_env(const struct mse_image *image, const char *name)
{
    return image_config_env(&image->start, name);
}

const char *mse_image_start_directory(const struct mse_image *image)
{
    return image->start.directory;
}

static void write_path(const struct image_node *node, const struct image_node *root,
                       struct mse_writer *out)
{
    if (node == root)
        return;
    write_path(node->parent, root, out); /* as often as image_tree.c lets paths be deep */
    mse_write_u8(out, '/');
    mse_write_text(out, node->name);
}

bool mse_image_resolve(const struct mse_image *image, const char *path, struct mse_writer *out,
                       struct mse_error *err)
{
    const struct image_node *node = find(image, path, true);

    if (node == NULL)
        return mse_fail_text(err, MSE_ERR_MISSING, "image", "%s is not in it", path);
    if (node == &image->tree.root)
        mse_write_u8(out, '/');
    write_path(node, &image->tree.root, out);
    return mse_writer_ok(out) || mse_fail_memory(err);
}

bool mse_image_clear(struct mse_image *image, const char *directory, struct mse_error *err)
{
    MSE_CLEANUP(mse_writer_cleanup) struct mse_writer path = { 0 };
    struct image_node *node;

    mse_write_format(&path, "%s/.wh..wh..opq", directory);
    mse_write_u8(&path, 0);
    return (mse_writer_ok(&path) || mse_fail_memory(err)) &&
           image_apply(&image->tree, (const char *)path.data, IMAGE_FILE,
                       (unsigned)image->layer_count, &node, err);
}

bool mse_image_put(struct mse_image *image, const char *path, const uint8_t sha256[static 32],
                   uint64_t size, struct mse_error *err)
{
    struct image_node *node = NULL;

    if (!image_apply(&image->tree, path, IMAGE_FILE, (unsigned)image->layer_count, &node, err))
        return false;
    if (node == NULL) /* the name of a whiteout */
        return mse_fail_text(err, MSE_ERR_UNSUPPORTED, "image", "%s cannot be put into it", path);
    node->content_layer = (unsigned)image->layer_count;
    node->size = size;
    memcpy(node->sha256, sha256, sizeof(node->sha256));
    return true;
}
