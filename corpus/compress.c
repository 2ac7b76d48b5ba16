#include "corpus/compress.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

enum {
    GZIP_WINDOW = 15 + 16, /* zlib's largest window; 16 asks for gzip's header and trailer */
    GZIP_MEMORY = 9,
    PATHS_MAX = 256,
};

bool compress_gzip(struct bytes from, struct bytes *to)
{
    z_stream stream = {0};
    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        return false;
    }
    uLong room = deflateBound(&stream, (uLong)from.len);
    char *at = malloc(room);
    if (at == NULL) {
        deflateEnd(&stream);
        return false;
    }
    stream.next_in = (Bytef *)from.at;
    stream.avail_in = (uInt)from.len;
    stream.next_out = (Bytef *)at;
    stream.avail_out = (uInt)room;
    int result = deflate(&stream, Z_FINISH);
    *to = (struct bytes){at, stream.total_out};
    deflateEnd(&stream);
    if (result != Z_STREAM_END) {
        free(at);
        return false;
    }
    return true;
}

pid_t compress_brotli(int folder, const char *const *paths, unsigned quality)
{
    char option[24];
    const char *words[PATHS_MAX + 4] = {"brotli", option, "--"};
    snprintf(option, sizeof option, "--quality=%u", quality);
    for (size_t i = 0; i < PATHS_MAX && paths[i] != NULL; i++) {
        words[3 + i] = paths[i];
    }
    posix_spawn_file_actions_t actions;
    pid_t brotli;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addfchdir_np(&actions, folder);
    int error = posix_spawnp(&brotli, words[0], &actions, NULL, (char *const *)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error == 0 ? brotli : -error;
}

int compress_wait(pid_t brotli)
{
    int status;
    while (waitpid(brotli, &status, 0) < 0) {
        if (errno != EINTR) {
            return 1;
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
