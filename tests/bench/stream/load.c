/* The load: many subscribers on one epoll, the publisher, and one more client that asks for /ping meanwhile.
 * load PORT PATH PUBLISH_PORT line|http [warm]. Commands on stdin, answers on stdout:
 *   connect N       seconds until all have the first byte ("warm": until all have an event)
 *   run W M         seconds until M events are with all, W of them under way at most
 *   last            the moment (monotonic clock, in seconds) at which the next event is with all
 *   ping SECONDS R  p50, p99 and longest wait in ms for /ping, asked every 5 ms, while R events a second are published
 * An event counts where its `~` arrives. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 65536, LONGEST_RUN = 1 << 20 };
static int port, publish_port, is_http, is_warm, poll_fd, publisher, clients, begun, answered = 1;
static const char *path;
static long seen[MOST], *done, number;
static char started[MOST];
static char buffer[1 << 18];
static const char FILL[] = "a change of an application on a start page, as long as such a change usually is, which is about two "
                           "hundred bytes of text and so makes for a frame of some three hundred";

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}
static int dial(int to) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(to), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at)) return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}
static void publish(int events) {
    size_t size = 0;
    while (events--) {
        char body[512];
        int length = sprintf(body, "{\"n\":%ld,\"mark\":\"~\",\"text\":\"%s\"}", ++number, FILL);
        if (is_http)
            size += sprintf(buffer + size, "POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", length, body);
        else
            size += sprintf(buffer + size, "%s\n", body);
    }
    for (size_t sent = 0; sent < size;) {
        ssize_t wrote = send(publisher, buffer + sent, size - sent, MSG_NOSIGNAL);
        if (wrote < 0) { printf("fail publish %s\n", strerror(errno)); exit(1); }
        sent += wrote;
    }
    answered = !is_http;
}
static void read_client(int fd) {
    ssize_t got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got == 0) { printf("fail closed\n"); exit(1); }
    if (got < 0) return;
    if (fd == publisher) { answered = 1; return; }
    if (!started[fd]) { started[fd] = 1; begun++; }
    for (char *at = buffer; (at = memchr(at, '~', buffer + got - at)); at++) {
        seen[fd]++;
        if (done && seen[fd] < LONGEST_RUN) done[seen[fd]]++;
    }
}
static void pump(int milliseconds) {
    struct epoll_event events[1024];
    int ready = epoll_wait(poll_fd, events, 1024, milliseconds);
    for (int i = 0; i < ready; i++) read_client(events[i].data.fd);
}
static void watch(int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
}
static void connect_all(int wanted) {
    char request[256];
    int size = sprintf(request, "GET %s HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n", path);
    double start = now(), warmed = start;
    while (clients < wanted) {
        int fd = dial(port);
        if (fd < 0 || fd >= MOST || send(fd, request, size, MSG_NOSIGNAL) < 0) { printf("fail connect %d\n", clients); return; }
        watch(fd);
        clients++;
        while (!is_warm && clients - begun > 64) { pump(1000); if (now() - start > 60) break; }
    }
    while (begun < clients) {
        if (is_warm && now() - warmed > 0.2) { publish(1); warmed = now(); }
        pump(10);
        if (now() - start > 90) { printf("fail only %d of %d began\n", begun, clients); return; }
    }
    printf("ok %f\n", now() - start);
}
static void settle(void) {
    double quiet = now() + 0.3;
    while (now() < quiet) pump(10);
    memset(seen, 0, sizeof seen);
}
static void run(int window, long events) {
    settle();
    done = calloc(LONGEST_RUN, sizeof *done);
    long published = 0, complete = 0;
    double start = now(), moved = start;
    while (complete < events) {
        long free_places = window - (published - complete);
        if (free_places > events - published) free_places = events - published;
        if (is_http && free_places > 1) free_places = 1;
        if (free_places > 0 && answered) { publish(free_places); published += free_places; }
        pump(100);
        while (complete < events && done[complete + 1] >= clients) { complete++; moved = now(); }
        if (now() - moved > 20) { printf("fail stuck at %ld of %ld\n", complete, events); free(done); done = NULL; return; }
    }
    printf("ok %f\n", now() - start);
    free(done);
    done = NULL;
}
static void last(void) {
    memset(seen, 0, sizeof seen);
    done = calloc(LONGEST_RUN, sizeof *done);
    double start = now();
    while (done[1] < clients && now() - start < 20) pump(100);
    if (done[1] < clients) printf("fail only %ld of %d got it\n", done[1], clients);
    else printf("ok %f\n", now());
    free(done);
    done = NULL;
}
static double waits[1 << 20];
static int asked;
static volatile int pinging;
static void *ping(void *unused) {
    (void)unused;
    int fd = dial(port);
    char in[4096];
    setpriority(PRIO_PROCESS, syscall(SYS_gettid), -15); /* where it is allowed: the reading of others is not what it waits for */
    double due = now();
    asked = 0;
    while (pinging && asked < (1 << 20)) {
        while (now() < due) { struct timespec pause = {0, 200000}; nanosleep(&pause, NULL); }
        static const char REQUEST[] = "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n";
        if (send(fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) < 0) break;
        size_t got = 0;
        while (!(got >= 4 && !memcmp(in + got - 4, "pong", 4))) {
            ssize_t more = recv(fd, in + got, sizeof in - got, 0);
            if (more <= 0) { close(fd); return NULL; }
            got += more;
        }
        double answer = now();
        waits[asked++] = (answer - due) * 1000; /* from when it was due: what waits in line counts */
        while (due <= answer) due += 0.005;
    }
    close(fd);
    return NULL;
}
static int by_size(const void *a, const void *b) {
    double one = *(const double *)a, two = *(const double *)b;
    return (one > two) - (one < two);
}
static void measure_pings(double seconds, double rate) {
    settle();
    pthread_t thread;
    pinging = 1;
    pthread_create(&thread, NULL, ping, NULL);
    double end = now() + seconds, due = now();
    while (now() < end) {
        if (now() >= due && answered) { publish(1); due += 1 / rate; }
        pump(2);
    }
    pinging = 0;
    pthread_join(thread, NULL);
    if (!asked) { printf("fail no answer to /ping\n"); return; }
    qsort(waits, asked, sizeof *waits, by_size);
    printf("ok %f %f %f\n", waits[asked / 2], waits[(int)(asked * 0.99)], waits[asked - 1]);
}
int main(int argc, char **argv) {
    char line[256], word[16];
    double one, two;
    if (argc < 5) return 2;
    port = atoi(argv[1]);
    path = argv[2];
    publish_port = atoi(argv[3]);
    is_http = !strcmp(argv[4], "http");
    is_warm = argc > 5;
    poll_fd = epoll_create1(0);
    publisher = dial(publish_port);
    if (publisher < 0) { printf("fail no publisher\n"); return 1; }
    watch(publisher);
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin)) {
        one = two = 0;
        if (sscanf(line, "%15s %lf %lf", word, &one, &two) < 1) continue;
        if (!strcmp(word, "connect")) connect_all(one);
        if (!strcmp(word, "run")) run(one, two);
        if (!strcmp(word, "last")) last();
        if (!strcmp(word, "ping")) measure_pings(one, two);
    }
    return 0;
}
