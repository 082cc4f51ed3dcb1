/*
 * The client of the benchmark: C connections, one thread each, blocking. It must never be the bottleneck.
 *
 *   load PROXY_PORT NAME PORT CA_FILE BODY_FILE PATH CONNECTIONS SECONDS MODE [EVENTS PAUSE_MS]
 *
 * PROXY_PORT 0: straight to 127.0.0.1:PORT; else CONNECT NAME:PORT through 127.0.0.1:PROXY_PORT. TLS is verified for NAME either way.
 * MODE: keep    connections are made and warmed by one request each before the clock starts
 *       fresh   every request has a new connection; CONNECT and both handshakes are in its time
 *       resume  as fresh, with the TLS session of the connection before
 *       idle    connections are made and warmed, then held for SECONDS
 *
 * Prints "go" when the clock starts, one line of JSON when it has stopped.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define BUFFER 65536

static int proxy_port, port, fresh, resume, idle;
static const char *name;
static double deadline;
static char *request;
static long request_length;
static SSL_CTX *context;
static pthread_barrier_t start_line;
static atomic_long connects, events, errors;

struct worker {
    pthread_t thread;
    int socket;
    SSL *ssl;
    SSL_SESSION *session;
    double *total, *first;
    long count, room;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static int keep_session(SSL *ssl, SSL_SESSION *session) {
    struct worker *worker = SSL_get_app_data(ssl);
    if (!resume || !worker) return 0;
    if (worker->session) SSL_SESSION_free(worker->session);
    worker->session = session;
    return 1;
}

static void hang_up(struct worker *worker) {
    if (worker->ssl) {
        SSL_shutdown(worker->ssl);
        SSL_free(worker->ssl);
    }
    if (worker->socket >= 0) close(worker->socket);
    worker->ssl = NULL;
    worker->socket = -1;
}

static int dial(struct worker *worker) {
    int one = 1;
    struct timeval patience = {30, 0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(proxy_port ? proxy_port : port)};
    worker->socket = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(worker->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(worker->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(worker->socket, (struct sockaddr *)&address, sizeof address)) return 0;
    if (proxy_port) {
        char line[512];
        int length = snprintf(line, sizeof line, "CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n\r\n", name, port, name, port), have = 0;
        if (write(worker->socket, line, length) != length) return 0;
        while (have < (int)sizeof line - 1) {
            int got = read(worker->socket, line + have, sizeof line - 1 - have);
            if (got <= 0) return 0;
            line[have += got] = 0;
            if (strstr(line, "\r\n\r\n")) break;
        }
        if (!strstr(line, " 200")) return 0;
    }
    worker->ssl = SSL_new(context);
    SSL_set_app_data(worker->ssl, worker);
    SSL_set_fd(worker->ssl, worker->socket);
    SSL_set_tlsext_host_name(worker->ssl, name);
    SSL_set1_host(worker->ssl, name);
    if (worker->session) SSL_set_session(worker->ssl, worker->session);
    atomic_fetch_add(&connects, 1);
    return SSL_connect(worker->ssl) == 1;
}

/* One request and its whole answer; the times of the first and the last byte of the body. */
static int exchange(struct worker *worker, double *first, double *last) {
    char buffer[BUFFER + 1];
    int have = 0;
    char *body = NULL;
    *first = 0;
    for (long sent = 0; sent < request_length;) {
        int put = SSL_write(worker->ssl, request + sent, request_length - sent > 65536 ? 65536 : (int)(request_length - sent));
        if (put <= 0) return 0;
        sent += put;
    }
    while (!body && have < BUFFER) {
        int got = SSL_read(worker->ssl, buffer + have, BUFFER - have);
        if (got <= 0) return 0;
        buffer[have += got] = 0;
        body = strstr(buffer, "\r\n\r\n");
    }
    if (!body || strncmp(buffer, "HTTP/1.1 200", 12)) return 0;
    *body = 0;
    body += 4;
    int chunked = strcasestr(buffer, "transfer-encoding: chunked") != NULL;
    char *length = strcasestr(buffer, "content-length:");
    long left = length ? atol(length + 15) : 0, count = 0;
    int rest = have - (int)(body - buffer);
    char tail[5] = {0}, before = 0;
    char *at = body;
    for (;;) {
        if (rest && !*first) *first = now();
        if (chunked) {
            for (int i = 0; i < rest; i++) {
                count += at[i] == '\n' && before == '\n';
                before = at[i];
            }
            if (rest >= 5) memcpy(tail, at + rest - 5, 5);
            else if (rest) {
                memmove(tail, tail + rest, 5 - rest);
                memcpy(tail + 5 - rest, at, rest);
            }
            if (!memcmp(tail, "0\r\n\r\n", 5)) break;
        } else if ((left -= rest) <= 0) break;
        rest = SSL_read(worker->ssl, buffer, BUFFER);
        if (rest <= 0) return 0;
        at = buffer;
    }
    *last = now();
    atomic_fetch_add(&events, count);
    return 1;
}

static void note(struct worker *worker, double total, double first) {
    if (worker->count == worker->room) {
        worker->room = worker->room ? worker->room * 2 : 4096;
        worker->total = realloc(worker->total, worker->room * sizeof(double));
        worker->first = realloc(worker->first, worker->room * sizeof(double));
    }
    worker->total[worker->count] = total;
    worker->first[worker->count++] = first;
}

static void *run(void *given) {
    struct worker *worker = given;
    double first, last;
    worker->socket = -1;
    if (!fresh && (!dial(worker) || !exchange(worker, &first, &last))) {
        atomic_fetch_add(&errors, 1);
        hang_up(worker);
    }
    pthread_barrier_wait(&start_line); /* everybody is warm */
    pthread_barrier_wait(&start_line); /* the counters are reset */
    if (idle) {
        while (now() < deadline) usleep(20000);
        hang_up(worker);
        return NULL;
    }
    while (now() < deadline) {
        double begun = now();
        if ((worker->ssl || dial(worker)) && exchange(worker, &first, &last)) {
            note(worker, last - begun, first - begun);
            if (fresh) hang_up(worker);
        } else {
            atomic_fetch_add(&errors, 1);
            hang_up(worker);
            usleep(1000);
        }
    }
    hang_up(worker);
    return NULL;
}

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double at(double *sorted, long count, double share) { return count ? sorted[(long)(share * (count - 1))] * 1e3 : 0; }

static double spent(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void load_request(const char *file, const char *path, const char *host, const char *bench) {
    FILE *body = fopen(file, "rb");
    if (!body) perror(file), exit(1);
    fseek(body, 0, SEEK_END);
    long length = ftell(body);
    rewind(body);
    request = malloc(length + 1024);
    request_length = sprintf(request,
        "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench%s\r\nAccept: */*\r\nAuthorization: Bearer standin-bench\r\nContent-Type: application/json\r\n"
        "Content-Length: %ld\r\n\r\n", path, host, bench, length);
    request_length += fread(request + request_length, 1, length, body);
    fclose(body);
}

int main(int count, char **a) {
    if (count < 10) return fprintf(stderr, "usage: see the head of load.c\n"), 2;
    signal(SIGPIPE, SIG_IGN);
    proxy_port = atoi(a[1]), name = a[2], port = atoi(a[3]);
    int connections = atoi(a[7]);
    double seconds = atof(a[8]);
    resume = !strcmp(a[9], "resume"), fresh = resume || !strcmp(a[9], "fresh"), idle = !strcmp(a[9], "idle");
    char bench[64] = "", host[256];
    if (count > 11) snprintf(bench, sizeof bench, "/%s %s", a[10], a[11]);
    snprintf(host, sizeof host, port == 443 || !proxy_port ? "%s" : "%s:%d", name, port);
    load_request(a[5], a[6], host, bench);
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\x08http/1.1", 9);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
    if (SSL_CTX_load_verify_file(context, a[4]) != 1) return fprintf(stderr, "%s: no CA\n", a[4]), 1;
    struct worker *workers = calloc(connections, sizeof *workers);
    pthread_barrier_init(&start_line, NULL, connections + 1);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 512 * 1024);
    for (int i = 0; i < connections; i++) pthread_create(&workers[i].thread, &small, run, &workers[i]);
    pthread_barrier_wait(&start_line);
    long failed = atomic_exchange(&errors, 0);
    atomic_store(&events, 0), atomic_store(&connects, 0);
    printf("go\n");
    fflush(stdout);
    double begun = now(), cpu = spent();
    deadline = begun + seconds;
    pthread_barrier_wait(&start_line);
    for (int i = 0; i < connections; i++) pthread_join(workers[i].thread, NULL);
    double elapsed = now() - begun;
    long total = 0, k = 0;
    for (int i = 0; i < connections; i++) total += workers[i].count;
    double *all = malloc((total + 1) * sizeof(double)), *early = malloc((total + 1) * sizeof(double));
    for (int i = 0; i < connections; i++)
        for (long j = 0; j < workers[i].count; j++) all[k] = workers[i].total[j], early[k++] = workers[i].first[j];
    qsort(all, total, sizeof(double), rising);
    qsort(early, total, sizeof(double), rising);
    printf("{\"requests\":%ld,\"errors\":%ld,\"not_warmed\":%ld,\"seconds\":%.4f,\"events\":%ld,\"connects\":%ld,\"client_cpu_seconds\":%.3f,"
           "\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"first_p50_ms\":%.4f,\"first_p99_ms\":%.4f}\n",
           total, atomic_load(&errors), failed, elapsed, atomic_load(&events), atomic_load(&connects), spent() - cpu,
           at(all, total, .5), at(all, total, .99), at(early, total, .5), at(early, total, .99));
    return 0;
}
