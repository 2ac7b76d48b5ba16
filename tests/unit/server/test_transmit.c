/* What a SEND becomes: pieces of memory, then a slice of a file, as far as the stream takes them.
 */
#include "server/transmit.h"

#include "tests/support/suite.h"
#include "tests/unit/net/descriptors.h"
#include "tests/unit/server/folder.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SIZE = 3 << 20
};

static struct folder folder;
static struct file *file; /* of SIZE bytes */
static int pair[2];       /* the server's end, the client's */
static struct stream stream;
static char *received;

static int begin(void **state)
{
    descriptors_count(state);
    signal(SIGPIPE, SIG_IGN);
    folder_init(&folder);
    folder_fill(&folder, "file", SIZE, 'f');
    folder_age(&folder, "file");
    file = calloc(1, sizeof(*file) + 5);
    received = malloc(SIZE + 1000);
    assert_non_null(file);
    assert_non_null(received);
    atomic_init(&file->references, 1);
    memcpy(file->text, "file", 5);
    file->path = (struct bytes){file->text, 4};
    file->fd = open(folder_path(&folder, "file"), O_RDONLY | O_CLOEXEC);
    struct stat status;
    assert_int_equal(fstat(file->fd, &status), 0);
    file->identity = identity_of(&status);
    file->size = SIZE;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    stream_init(&stream, pair[0], false);
    return 0;
}

static int finish(void **state)
{
    file_release(file);
    free(received);
    close(pair[0]);
    if (pair[1] >= 0) {
        close(pair[1]);
    }
    folder_finish(&folder);
    return descriptors_compare(state);
}

static struct iovec pieces[] = {{(void *)(uintptr_t) "head\n", 5},
                                {(void *)(uintptr_t) "content\n", 8}};

static struct step send_step(int count, uint64_t offset, size_t size)
{
    return (struct step){
        .kind = STEP_SEND,
        .send = {.pieces = pieces,
                 .count = count,
                 .file = size > 0 ? file : NULL,
                 .offset = offset,
                 .size = size},
    };
}

/* What the client has by now. */
static struct bytes receive(void)
{
    static size_t have;
    ssize_t got;
    have = 0;
    while ((got = recv(pair[1], received + have, SIZE + 1000 - have, 0)) > 0) {
        have += (size_t)got;
    }
    return (struct bytes){received, have};
}

static void pieces_leave_in_order(void **state)
{
    (void)state;
    struct step step = send_step(2, 0, 0);
    size_t bytes;
    assert_int_equal(transmit(&stream, &step, &bytes), TRANSMIT_DONE);
    assert_int_equal(bytes, 13);
    assert_bytes(receive(), BYTES("head\ncontent\n"));
}

static void a_slice_leaves_behind_them(void **state)
{
    (void)state;
    struct step step = send_step(1, 100, 3);
    size_t bytes;
    assert_int_equal(transmit(&stream, &step, &bytes), TRANSMIT_DONE);
    assert_int_equal(bytes, 8);
    assert_bytes(receive(), BYTES("head\nfff"));
    step = send_step(0, SIZE - 2, 2);
    assert_int_equal(transmit(&stream, &step, &bytes), TRANSMIT_DONE);
    assert_int_equal(bytes, 2);
    assert_bytes(receive(), BYTES("ff"));
}

/* As much as there is room for is counted, byte for byte; the rest is tried again later. */
static void what_there_is_no_room_for_is_left(void **state)
{
    (void)state;
    struct step step = send_step(1, 0, SIZE);
    size_t sent = 0, came = 0;
    bool waited = false;
    while (sent < SIZE + 5) {
        size_t bytes = 0;
        step.send.count = sent == 0;
        step.send.offset = sent > 5 ? sent - 5 : 0;
        step.send.size = SIZE - step.send.offset;
        enum transmitted outcome = transmit(&stream, &step, &bytes);
        if (outcome == TRANSMIT_AGAIN) {
            waited = true;
            size_t got = receive().len;
            came += got;
            assert_int_equal(came, sent);
            assert_true(got > 0);
            continue;
        }
        assert_int_equal(outcome, TRANSMIT_DONE);
        assert_true(bytes > 0);
        sent += bytes;
    }
    assert_true(waited);
    came += receive().len;
    assert_int_equal(came, SIZE + 5);
}

static void a_client_that_has_gone_is_told(void **state)
{
    (void)state;
    struct step whole = send_step(2, 0, 100);
    struct step slice = send_step(0, 0, 100);
    size_t bytes;
    close(pair[1]);
    pair[1] = -1;
    assert_int_equal(transmit(&stream, &whole, &bytes), TRANSMIT_FAILED);
    assert_int_equal(transmit(&stream, &slice, &bytes), TRANSMIT_FAILED);
}

/* Whoever asks for it has had the file looked at before; this is for the moment in between. */
static void a_file_that_ends_early_is_not_made_up_for(void **state)
{
    (void)state;
    assert_int_equal(truncate(folder_path(&folder, "file"), 50), 0);
    struct step slice = send_step(0, 50, 100);
    size_t bytes;
    assert_int_equal(transmit(&stream, &slice, &bytes), TRANSMIT_FAILED);
    assert_int_equal(receive().len, 0);
}

static void a_file_of_another_name_by_now_is_sent(void **state)
{
    (void)state;
    folder_fill(&folder, "new", 10, 'n');
    assert_int_equal(rename(folder_path(&folder, "new"), folder_path(&folder, "file")), 0);
    struct step whole = send_step(1, 0, 3);
    size_t bytes;
    assert_int_equal(transmit(&stream, &whole, &bytes), TRANSMIT_DONE);
    assert_bytes(receive(), BYTES("head\nfff"));
}

int main(void)
{
    static struct suite suite;
    suite_add(&suite, CASE(pieces_leave_in_order));
    suite_add(&suite, CASE(a_slice_leaves_behind_them));
    suite_add(&suite, CASE(what_there_is_no_room_for_is_left));
    suite_add(&suite, CASE(a_client_that_has_gone_is_told));
    suite_add(&suite, CASE(a_file_that_ends_early_is_not_made_up_for));
    suite_add(&suite, CASE(a_file_of_another_name_by_now_is_sent));
    suite_frame(&suite, begin, finish);
    return suite_run(&suite, "server/transmit");
}
