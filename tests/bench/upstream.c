/*
 * The provider of the benchmark: TLS, HTTP/1.1, one thread a connection, answers prepared beforehand. It must never be the bottleneck.
 *
 *   upstream CERTIFICATE_AND_KEY.pem        prints its port, serves until killed
 *
 * A request whose body holds "stream":true gets server-sent events, as many and as far apart as its header says:
 *   User-Agent: bench/EVENTS PAUSE_MS
 * Every event is one chunk and one write, as providers send them. Below /v1/messages answers are Anthropic's. How many connections there
 * have been says GET /connections; how long each that was told nothing, or no more, has waited until it was given up, in ms, says
 * GET /waits, once. A model's name may be an order:
 *   busy…    503 at once, whole
 *   broken…  a stream whose first event is an error
 *   begun…   a stream that says who speaks, and nothing more
 *   silent…  nothing
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX 65536
#define CHUNK(text) (int)sizeof(text) - 1, text

static SSL_CTX *context;
static char plain[4096], message[4096];
static int plain_length, message_length;
static atomic_long connections;
static double waits[4096];
static int waited;
static pthread_mutex_t waiting = PTHREAD_MUTEX_INITIALIZER;

static const char EVENT[] =
    "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"gpt-4o-mini-2024-07-18\","
    "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_bench\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" harbour\"},"
    "\"logprobs\":null,\"finish_reason\":null}]}\n\n";
static const char FINISH[] =
    "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"gpt-4o-mini-2024-07-18\","
    "\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n";
static const char USAGE[] =
    "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"gpt-4o-mini-2024-07-18\","
    "\"choices\":[],\"usage\":{\"prompt_tokens\":250,\"completion_tokens\":100,\"total_tokens\":350}}\n\n";

static const char BUSY[] =
    "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: 96\r\n\r\n"
    "{\"error\":{\"message\":\"The server is busy, please come again.\",\"type\":\"server_error\",\"code\":null}}";
static const char BEGUN[] =
    "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"gpt-4o-mini-2024-07-18\","
    "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";
static const char BROKEN[] =
    "data: {\"error\":{\"message\":\"The server had an error.\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n";
static const char STREAM_HEAD[] =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";
static const char *const MESSAGE_EVENTS[] = {
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
    "\"claude-haiku-4-5\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":250,\"output_tokens\":1}}}\n\n"
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" harbour\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":"
    "{\"output_tokens\":100}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"};

static void prepare(void) {
    char text[640];
    memset(text, 'a', sizeof text - 1);
    for (size_t i = 7; i < sizeof text - 1; i += 8) text[i] = ' ';
    text[sizeof text - 1] = 0;
    char body[2048];
    int length = snprintf(body, sizeof body,
        "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1760000000,\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,"
        "\"message\":{\"role\":\"assistant\",\"content\":\"%s\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":"
        "{\"prompt_tokens\":250,\"completion_tokens\":100,\"total_tokens\":350,\"prompt_tokens_details\":{\"cached_tokens\":0}}}", text);
    plain_length = snprintf(plain, sizeof plain,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_bench\r\ncontent-length: %d\r\n\r\n%s", length, body);
    length = snprintf(body, sizeof body,
        "{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-haiku-4-5\",\"content\":[{\"type\":\"text\",\"text\":"
        "\"%s\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":250,\"output_tokens\":100}}", text);
    message_length = snprintf(message, sizeof message,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: req_bench\r\ncontent-length: %d\r\n\r\n%s", length, body);
}

static int put(SSL *ssl, int length, const char *data) { return SSL_write(ssl, data, length) == length; }

static int put_chunk(SSL *ssl, int length, const char *data) {
    char buffer[2048];
    int total = snprintf(buffer, 16, "%x\r\n", length);
    memcpy(buffer + total, data, length);
    memcpy(buffer + total + length, "\r\n", 2);
    return put(ssl, total + length + 2, buffer);
}

static int answer_stream(SSL *ssl, long events, long pause_ms, int usage) {
    if (!put(ssl, CHUNK(STREAM_HEAD))) return 0;
    struct timespec pause = {pause_ms / 1000, pause_ms % 1000 * 1000000L};
    for (long i = 0; i < events; i++) {
        if (i && pause_ms) nanosleep(&pause, NULL);
        if (!put_chunk(ssl, CHUNK(EVENT))) return 0;
    }
    if (!put_chunk(ssl, CHUNK(FINISH))) return 0;
    if (usage && !put_chunk(ssl, CHUNK(USAGE))) return 0;
    return put_chunk(ssl, CHUNK("data: [DONE]\n\n")) && put(ssl, CHUNK("0\r\n\r\n"));
}

static int answer_messages(SSL *ssl) {
    if (!put(ssl, CHUNK(STREAM_HEAD))) return 0;
    for (int i = 0; i < 3; i++)
        if (!put_chunk(ssl, strlen(MESSAGE_EVENTS[i]), MESSAGE_EVENTS[i])) return 0;
    return put(ssl, CHUNK("0\r\n\r\n"));
}

/* What a model's name orders; 0: to answer. */
static int order_in(const char *text, int length) {
    static const char *const orders[] = {"\"busy", "\"broken", "\"begun", "\"silent"};
    const char *model = memmem(text, length, "\"model\":\"", 9);
    for (int i = 0; model && i < 4; i++)
        if (length - (model + 8 - text) > 8 && !memcmp(model + 8, orders[i], strlen(orders[i]))) return orders[i][3];
    return 0;
}

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void wait_for_end(SSL *ssl) {
    char nothing;
    double begun = now_ms();
    SSL_read(ssl, &nothing, 1);
    pthread_mutex_lock(&waiting);
    if (waited < 4096) waits[waited++] = now_ms() - begun;
    pthread_mutex_unlock(&waiting);
}

/* -1: it was none. */
static int obey(SSL *ssl, int order) {
    switch (order) {
        case 's': return put(ssl, CHUNK(BUSY));
        case 'o': return put(ssl, CHUNK(STREAM_HEAD)) && put_chunk(ssl, CHUNK(BROKEN)) && put(ssl, CHUNK("0\r\n\r\n"));
        case 'g': put(ssl, CHUNK(STREAM_HEAD)), put_chunk(ssl, CHUNK(BEGUN)); /* fall through */
        case 'l': return wait_for_end(ssl), 0;
        default: return -1;
    }
}

/* 0: nothing is asked of the upstream itself. */
static int answer_about_itself(SSL *ssl, const char *head, int length) {
    char text[65536], body[49152];
    int size = 0;
    if (memmem(head, length, " /connections", 13)) size = snprintf(body, sizeof body, "%ld", (long)connections);
    else if (memmem(head, length, " /waits", 7)) {
        pthread_mutex_lock(&waiting);
        for (int i = 0; i < waited; i++) size += snprintf(body + size, sizeof body - size, "%.2f\n", waits[i]);
        waited = 0;
        pthread_mutex_unlock(&waiting);
    } else return 0;
    int total = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%.*s", size, size, body);
    return put(ssl, total, text) ? 1 : -1;
}

static const char *header(const char *head, const char *name) {
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (!strncasecmp(line + 2, name, length)) return line + 2 + length;
    return NULL;
}

static void *serve(void *given) {
    int socket = (int)(long)given;
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, socket);
    char *buffer = malloc(HEAD_MAX + 1);
    if (SSL_accept(ssl) != 1) goto done;
    connections++;
    for (;;) {
        int have = 0;
        char *end = NULL;
        while (!end && have < HEAD_MAX) {
            int got = SSL_read(ssl, buffer + have, HEAD_MAX - have);
            if (got <= 0) goto done;
            have += got;
            buffer[have] = 0;
            end = memmem(buffer, have, "\r\n\r\n", 4);
        }
        if (!end) goto done;
        *end = 0;
        const char *length_text = header(buffer, "content-length:"), *bench = header(buffer, "user-agent: bench/");
        long left = (length_text ? atol(length_text) : 0) - (have - (end + 4 - buffer));
        int stream = memmem(end + 4, have - (end + 4 - buffer), "\"stream\":true", 13) != NULL;
        int usage = memmem(end + 4, have - (end + 4 - buffer), "include_usage", 13) != NULL;
        int order = order_in(end + 4, have - (end + 4 - buffer));
        const char *line = strstr(buffer, "\r\n");
        int messages = memmem(buffer, line ? line - buffer : 0, " /v1/messages", 13) != NULL;
        int itself = answer_about_itself(ssl, buffer, line ? line - buffer : 0);
        long events = 1, pause_ms = 0;
        if (bench) sscanf(bench, "%ld %ld", &events, &pause_ms);
        int seen_bench = bench != NULL;
        while (left > 0) { /* what decides stands in the body's first or last bytes */
            int got = SSL_read(ssl, buffer, left < HEAD_MAX ? (int)left : HEAD_MAX);
            if (got <= 0) goto done;
            if (memmem(buffer, got, "\"stream\":true", 13)) stream = 1;
            if (memmem(buffer, got, "include_usage", 13)) usage = 1;
            if (!order) order = order_in(buffer, got);
            left -= got;
        }
        int obeyed = itself ? itself > 0 : obey(ssl, order);
        if (obeyed == 0) goto done;
        if (obeyed > 0) continue;
        if (messages) {
            if (stream ? !answer_messages(ssl) : !put(ssl, message_length, message)) goto done;
            continue;
        }
        if (stream && seen_bench ? !answer_stream(ssl, events, pause_ms, usage) : !put(ssl, plain_length, plain)) goto done;
    }
done:
    SSL_shutdown(ssl);
    SSL_free(ssl);
    free(buffer);
    close(socket);
    return NULL;
}

static int choose(SSL *ssl, const unsigned char **out, unsigned char *length, const unsigned char *in, unsigned int size, void *unused) {
    static const unsigned char http1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    (void)ssl, (void)unused;
    return SSL_select_next_proto((unsigned char **)out, length, http1, sizeof http1, in, size) == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

int main(int count, char **arguments) {
    if (count != 2) return fprintf(stderr, "usage: upstream PEM\n"), 2;
    signal(SIGPIPE, SIG_IGN);
    prepare();
    context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_alpn_select_cb(context, choose, NULL);
    if (SSL_CTX_use_certificate_chain_file(context, arguments[1]) != 1 || SSL_CTX_use_PrivateKey_file(context, arguments[1], SSL_FILETYPE_PEM) != 1)
        return fprintf(stderr, "%s: not a certificate with its key\n", arguments[1]), 1;
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 2048)) return perror("listen"), 1;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 * 1024);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        pthread_t thread;
        if (client < 0) continue;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (pthread_create(&thread, &small, serve, (void *)(long)client)) close(client);
    }
}
