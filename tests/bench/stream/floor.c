/* The floor: the least a server in user space can do. One epoll, one send() per client and batch of events.
 * floor PORT CONTROL: streams to everybody on PORT (GET /ping is answered), each line on CONTROL is an event. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 65536, BATCH = 65536 };
static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                           "Connection: close\r\n\r\n:ok\n\n";
static const char PONG[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong";
static int streams[MOST], count, place[MOST], control = -1, control_listener;
static char *rest[MOST];
static size_t rest_size[MOST];
static long number;
static int poll_fd;

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096)) { perror("listen"); exit(1); }
    return fd;
}
static void watch(int fd, unsigned flags, int op) {
    struct epoll_event event = {.events = flags, .data.fd = fd};
    epoll_ctl(poll_fd, op, fd, &event);
}
static void drop(int fd) {
    if (place[fd] >= 0) {
        streams[place[fd]] = streams[--count];
        place[streams[count]] = place[fd];
        place[fd] = -1;
    }
    free(rest[fd]);
    rest[fd] = NULL;
    rest_size[fd] = 0;
    close(fd);
}
static void keep(int fd, const char *data, size_t size) {
    rest[fd] = realloc(rest[fd], rest_size[fd] + size);
    memcpy(rest[fd] + rest_size[fd], data, size);
    rest_size[fd] += size;
    watch(fd, EPOLLIN | EPOLLRDHUP | EPOLLOUT, EPOLL_CTL_MOD);
}
static void broadcast(const char *data, size_t size) {
    for (int i = 0; i < count; i++) {
        int fd = streams[i];
        if (rest_size[fd]) { keep(fd, data, size); continue; }
        ssize_t sent = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) sent = errno == EAGAIN ? 0 : (ssize_t)size;
        if ((size_t)sent < size) keep(fd, data + sent, size - sent);
    }
}
static void on_control(void) {
    static char in[BATCH], out[BATCH * 3];
    static size_t held;
    ssize_t got = recv(control, in + held, sizeof in - held, MSG_DONTWAIT);
    if (got <= 0) { close(control); control = -1; return; }
    held += got;
    size_t from = 0, size = 0;
    char *end;
    while ((end = memchr(in + from, '\n', held - from))) {
        size += sprintf(out + size, "id: %ld\ndata: {\"type\":\"CONFIG_CHANGED\",\"timestamp\":\"2026-01-01T00:00:00.000000Z\","
                        "\"data\":%.*s}\n\n", ++number, (int)(end - in - from), in + from);
        from = end - in + 1;
    }
    memmove(in, in + from, held - from);
    held -= from;
    if (size) broadcast(out, size);
}
static void on_client(int fd, unsigned flags) {
    char in[4096];
    if (flags & EPOLLOUT && rest_size[fd]) {
        ssize_t sent = send(fd, rest[fd], rest_size[fd], MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) memmove(rest[fd], rest[fd] + sent, rest_size[fd] -= sent);
        if (!rest_size[fd]) watch(fd, EPOLLIN | EPOLLRDHUP, EPOLL_CTL_MOD);
    }
    if (flags & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) { drop(fd); return; }
    if (!(flags & EPOLLIN)) return;
    ssize_t got = recv(fd, in, sizeof in - 1, MSG_DONTWAIT);
    if (got <= 0) { drop(fd); return; }
    in[got] = 0;
    if (strstr(in, "GET /ping")) { send(fd, PONG, sizeof PONG - 1, MSG_NOSIGNAL); return; }
    if (place[fd] < 0) { place[fd] = count; streams[count++] = fd; send(fd, HEAD, sizeof HEAD - 1, MSG_NOSIGNAL); }
}
static void take(int listener, int is_control) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (is_control) control = fd;
        place[fd] = -1;
        watch(fd, EPOLLIN | EPOLLRDHUP, EPOLL_CTL_ADD);
    }
}
int main(int argc, char **argv) {
    if (argc != 3) return 2;
    struct epoll_event events[512];
    poll_fd = epoll_create1(0);
    int listener = listen_on(atoi(argv[1]));
    control_listener = listen_on(atoi(argv[2]));
    watch(listener, EPOLLIN, EPOLL_CTL_ADD);
    watch(control_listener, EPOLLIN, EPOLL_CTL_ADD);
    for (;;) {
        int ready = epoll_wait(poll_fd, events, 512, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) take(fd, 0);
            else if (fd == control_listener) take(fd, 1);
            else if (fd == control) on_control();
            else on_client(fd, events[i].events);
        }
    }
}
