/* The measure of what the machine can do: one thread, epoll, edge-triggered. Reads into a buffer per connection, hands every whole frame (4-byte big-endian length)
 * to a function that frames the reply into the output buffer, and sends what a read brought forth at once. With "direct" it does less than a framed server must:
 * whole frames go out of the input buffer as they are. Prints its port; ends with its standard input. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FRAME (1024 * 1024)
#define INITIAL (64 * 1024)

struct buffer { char *bytes; size_t start, end, size; };
struct connection { int fd, hung_up; size_t whole; struct buffer in, out; };   /* whole: "direct" sends the input up to there */

static int epoll_fd, direct;

static void fail(const char *what) { perror(what); exit(1); }

/* Makes room for so many bytes behind what the buffer holds. */
static void reserve(struct buffer *b, size_t room)
{
    if (b->size - b->end >= room) return;
    if (b->start > 0) {
        memmove(b->bytes, b->bytes + b->start, b->end - b->start);
        b->end -= b->start;
        b->start = 0;
    }
    if (b->size - b->end >= room) return;
    size_t size = b->size ? b->size : INITIAL;
    while (size - b->end < room) size *= 2;
    if (!(b->bytes = realloc(b->bytes, size))) fail("realloc");
    b->size = size;
}

static void drop(struct connection *c)
{
    close(c->fd);
    free(c->in.bytes);
    free(c->out.bytes);
    free(c);
}

static void on_message(struct connection *c, const char *message, uint32_t length)
{
    uint32_t header = htonl(length);
    reserve(&c->out, 4 + length);
    memcpy(c->out.bytes + c->out.end, &header, 4);
    memcpy(c->out.bytes + c->out.end + 4, message, length);
    c->out.end += 4 + length;
}

/* 1: all is sent; 0: the kernel takes no more now; -1: the connection is broken. */
static int flush(struct connection *c, struct buffer *b, size_t end)
{
    while (b->start < end) {
        ssize_t n = send(c->fd, b->bytes + b->start, end - b->start, MSG_NOSIGNAL);
        if (n >= 0) b->start += n;
        else if (errno == EAGAIN) return 0;
        else if (errno != EINTR) return -1;
    }
    if (b->start == b->end) b->start = b->end = 0;
    return 1;
}

/* Answers the whole frames of the input: 1, 0 and -1 as flush. */
static int answer(struct connection *c)
{
    struct buffer *in = &c->in;
    size_t at = c->whole, need = 0;
    while (in->end - at >= 4) {
        uint32_t length;
        memcpy(&length, in->bytes + at, 4);
        length = ntohl(length);
        if (length > MAX_FRAME) return -1;
        if (in->end - at - 4 < length) { need = 4 + length; break; }
        if (!direct) on_message(c, in->bytes + at + 4, length);
        at += 4 + length;
    }
    int state;
    if (direct) state = flush(c, in, at);
    else {
        if (at == in->end) at = in->end = 0;
        in->start = at;
        state = flush(c, &c->out, c->out.end);
    }
    if (state == 1) {
        reserve(in, need > in->end - in->start ? need - (in->end - in->start) : 1);
        at = in->start;
    }
    c->whole = at;
    return state;
}

static void serve(struct connection *c)
{
    /* Nothing is read while replies wait: a peer that does not read is not read from. */
    int state = answer(c);
    while (state == 1) {
        size_t room = c->in.size - c->in.end;
        ssize_t n = recv(c->fd, c->in.bytes + c->in.end, room, 0);
        if (n == 0) state = -1;
        else if (n < 0) {
            if (errno == EAGAIN) return;
            if (errno != EINTR) state = -1;
        } else {
            c->in.end += n;
            state = answer(c);
            /* A short read has emptied the socket, unless the end of the stream is already there. */
            if (state == 1 && (size_t)n < room && !c->hung_up) return;
        }
    }
    if (state < 0) drop(c);
}

static void accept_all(int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            if (errno == EAGAIN) return;
            fail("accept4");
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct connection *c = calloc(1, sizeof *c);
        if (!c) fail("calloc");
        c->fd = fd;
        struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c };
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0) fail("epoll_ctl");
    }
}

int main(int count, char **arguments)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) { files.rlim_cur = files.rlim_max; setrlimit(RLIMIT_NOFILE, &files); }
    direct = count > 2 && strcmp(arguments[2], "direct") == 0;

    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(count > 1 ? atoi(arguments[1]) : 0), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 4096) < 0) fail("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);

    static char listening, input;
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = &listening }, events[256];
    if ((epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) < 0) fail("epoll");
    event.data.ptr = &input;
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    for (;;) {
        int n = epoll_wait(epoll_fd, events, 256, -1);
        if (n < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < n; i++) {
            char ignored[256];
            if (events[i].data.ptr == &listening) accept_all(listener);
            else if (events[i].data.ptr == &input) { if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0) return 0; }
            else {
                struct connection *c = events[i].data.ptr;
                if (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) c->hung_up = 1;
                serve(c);
            }
        }
    }
}
