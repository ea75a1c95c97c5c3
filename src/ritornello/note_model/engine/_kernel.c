/* One step of a note model: the qrnn trunk, the heads and the draws, on int8 weights.

   The twin of engine.py, which says what is computed; here it is laid out so that a compiler
   vectorises it. Every matrix product is a sum of whole numbers and so is exact: a piece does not
   depend on how many are played together, nor on how the loops are vectorised.

   All arrays are row-major and contiguous. Build: see kernel.py. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__AVX512VNNI__)
#include <immintrin.h>
#endif

#include "_numbers.h"

/* Activations are whole numbers from -127 to 127. Where the processor multiplies unsigned with
   signed bytes they are stored 128 higher, and `linear` takes the surplus off again. */
#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
typedef uint8_t act;
enum { SURPLUS = 128 };
#else
typedef int16_t act;
enum { SURPLUS = 0 };
#endif

enum { GROUP = 32, TILE = 64 }; /* pieces, and rows of a matrix, that are worked on together */

struct linear { /* y = weight x * scale + bias */
    const int8_t *weight; /* in tiles, see below */
    const float *scale, *bias;
    const int32_t *row_sum; /* of the weights */
    int64_t rows, columns;
};

struct lookup { /* the sum of one row of the table for each column of class indices */
    const float *table;
    const int64_t *offset; /* first row of each column */
    int64_t columns, width;
};

struct block {
    const float *norm;
    struct linear gates;
};

struct head {
    struct lookup lookup;
    struct linear out;
};

struct model {
    int64_t width, layers, head_width, heads;
    struct lookup embed;
    const struct block *blocks;
    const float *norm;
    struct linear hidden; /* of all heads, one below the other */
    const struct head *head;
};

/* --- numbers ------------------------------------------------------------------------------- */

static inline void add_row(const float *restrict row, int64_t n, float *restrict sum)
{
    for (int64_t i = 0; i < n; i++)
        sum[i] += row[i];
}

/* Row after row: a compiler that went through all rows at once would gather single numbers. */
static void add_rows(const struct lookup *from, const int64_t *classes, float *sum)
{
    for (int64_t c = 0; c < from->columns; c++) {
        add_row(from->table + (from->offset[c] + classes[c]) * from->width, from->width, sum);
        __asm__ volatile("" ::: "memory");
    }
}

static void rms_norm(const float *x, const float *weight, int64_t n, float *out)
{
    float squares = 0;
    for (int64_t i = 0; i < n; i++)
        squares += x[i] * x[i];
    float down = 1.0f / sqrtf(squares / n + 1e-5f);
    for (int64_t i = 0; i < n; i++)
        out[i] = x[i] * down * weight[i];
}

/* x as whole numbers; returns what one of them is worth. */
static float quantise(const float *x, int64_t n, act *out)
{
    float top = 0;
    for (int64_t i = 0; i < n; i++)
        top = fabsf(x[i]) > top ? fabsf(x[i]) : top;
    if (top == 0)
        top = 1;
    float up = 127.0f / top;
    for (int64_t i = 0; i < n; i++)
        out[i] = (act)((int32_t)rintf(x[i] * up) + SURPLUS);
    return top / 127.0f;
}

/* A matrix comes in tiles of 64 rows; rows and columns are filled up with zeros to whole tiles and to
   a multiple of TOGETHER. sums [pieces][TILE] = a tile of the matrix times each x [pieces, n]; up to
   three numbers behind the last x may be read, and count for nothing. */
#if defined(__AVX512VNNI__)
/* Within a tile the rows stand side by side, four columns of each after another: one load has four
   columns of sixteen rows, and the sums of these rows come out next to each other. Up to six pieces
   go on at once, so that what is loaded serves them all and no sum waits for the one before it. */
enum { TOGETHER = 4, PIECES = 6, LANES = TILE / 16 };

static inline __attribute__((always_inline)) void sums_of(const int8_t *w, const act *x, int64_t n,
                                                          const int pieces, int32_t (*sums)[TILE])
{
    __m512i sum[PIECES][LANES];
    for (int p = 0; p < pieces; p++)
        for (int l = 0; l < LANES; l++)
            sum[p][l] = _mm512_setzero_si512();
    for (int64_t i = 0; i < n; i += TOGETHER, w += TILE * TOGETHER) {
        __m512i row[LANES];
#pragma GCC unroll 4
        for (int l = 0; l < LANES; l++)
            row[l] = _mm512_loadu_si512(w + l * 64);
#pragma GCC unroll 6
        for (int p = 0; p < pieces; p++) {
            int32_t four;
            memcpy(&four, x + p * n + i, sizeof four);
            const __m512i of_piece = _mm512_set1_epi32(four);
#pragma GCC unroll 4
            for (int l = 0; l < LANES; l++)
                sum[p][l] = _mm512_dpbusd_epi32(sum[p][l], of_piece, row[l]);
        }
    }
    for (int p = 0; p < pieces; p++)
        for (int l = 0; l < LANES; l++)
            _mm512_storeu_si512(sums[p] + l * 16, sum[p][l]);
}

static void tile_sums(const int8_t *w, const act *x, int64_t n, int64_t pieces,
                      int32_t (*sums)[TILE])
{
    for (int64_t p = 0; p < pieces; p += PIECES) {
        const act *in = x + p * n;
        switch (pieces - p) { /* a number that the compiler knows keeps all sums in registers */
        case 1: sums_of(w, in, n, 1, sums + p); break;
        case 2: sums_of(w, in, n, 2, sums + p); break;
        case 3: sums_of(w, in, n, 3, sums + p); break;
        case 4: sums_of(w, in, n, 4, sums + p); break;
        case 5: sums_of(w, in, n, 5, sums + p); break;
        default: sums_of(w, in, n, 6, sums + p);
        }
    }
}
#else
enum { TOGETHER = 1 };

static inline int32_t dot(const int8_t *w, const act *x, int64_t n)
{
    int32_t sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (int32_t)w[i] * x[i];
    return sum;
}

/* Four rows at once: x is loaded once for all. */
static inline void dot4(const int8_t *w, const act *x, int64_t n, int32_t *sums)
{
    const int8_t *v = w + n, *u = v + n, *t = u + n;
    int32_t sw = 0, sv = 0, su = 0, st = 0;
    for (int64_t i = 0; i < n; i++) {
        sw += (int32_t)w[i] * x[i];
        sv += (int32_t)v[i] * x[i];
        su += (int32_t)u[i] * x[i];
        st += (int32_t)t[i] * x[i];
    }
    sums[0] = sw, sums[1] = sv, sums[2] = su, sums[3] = st;
}

/* One piece alone waits for the memory and is fastest row by row; several wait for the processor. */
static void tile_sums(const int8_t *w, const act *x, int64_t n, int64_t pieces,
                      int32_t (*sums)[TILE])
{
    for (int64_t r = 0; pieces == 1 && r < TILE; r++)
        sums[0][r] = dot(w + r * n, x, n);
    for (int64_t r = 0; pieces > 1 && r < TILE; r += 4)
        for (int64_t p = 0; p < pieces; p++)
            dot4(w + r * n, x + p * n, n, sums[p] + r);
}
#endif

/* How the weights of a tile are laid out: [columns / this][TILE][this]. */
int64_t ritornello_together(int64_t columns) { return TOGETHER == 1 ? columns : TOGETHER; }

/* out [group, rows] = m of each x [group, columns]. */
static void linear(const struct linear *m, const act *x, const float *worth, int64_t group,
                   float *out)
{
    const int64_t n = m->columns, filled = (n + TOGETHER - 1) / TOGETHER * TOGETHER;
    int32_t sums[GROUP][TILE];
    for (int64_t start = 0; start < m->rows; start += TILE) {
        const int64_t rows = m->rows - start < TILE ? m->rows - start : TILE;
        tile_sums(m->weight + start * filled, x, n, group, sums);
        for (int64_t g = 0; g < group; g++)
            for (int64_t i = 0; i < rows; i++) {
                const int64_t row = start + i;
                float whole = (float)(sums[g][i] - SURPLUS * m->row_sum[row]);
                out[g * m->rows + row] = whole * (m->scale[row] * worth[g]) + m->bias[row];
            }
    }
}

/* --- the trunk ----------------------------------------------------------------------------- */

struct scratch { /* for GROUP pieces */
    float *x, *window, *gates;
    act *whole;
};

/* One residual block on one group; state rows are [normed input, carried], `stride` apart. */
static void block_step(const struct block *b, int64_t width, int64_t group, int64_t stride,
                       const float *before, float *after, struct scratch *s)
{
    float worth[GROUP];
    for (int64_t g = 0; g < group; g++) {
        float *normed = after + g * stride, *window = s->window;
        rms_norm(s->x + g * width, b->norm, width, normed);
        memcpy(window, normed, width * sizeof *window);
        memcpy(window + width, before + g * stride, width * sizeof *window);
        worth[g] = quantise(window, 2 * width, s->whole + g * 2 * width);
    }
    linear(&b->gates, s->whole, worth, group, s->gates);
    for (int64_t g = 0; g < group; g++) {
        const float *candidate = s->gates + g * 3 * width;
        const float *forget = candidate + width, *output = forget + width;
        const float *carried = before + g * stride + width;
        float *carry = after + g * stride + width, *x = s->x + g * width;
        for (int64_t i = 0; i < width; i++) {
            float keep = sigmoid(forget[i]);
            carry[i] = keep * carried[i] + (1.0f - keep) * tanh_(candidate[i]);
            x[i] += sigmoid(output[i]) * carry[i];
        }
    }
}

/* Read one event of each piece. rows [batch, columns], condition [batch, width], states
   [batch, layers, 2, width], hidden [batch, heads * head_width]. Returns 0, or 1 out of memory. */
int ritornello_step(const struct model *m, int64_t batch, const int64_t *rows,
                    const float *condition, const float *before, float *after, float *hidden)
{
    const int64_t width = m->width, stride = m->layers * 2 * width;
    float *memory = malloc(GROUP * width * (6 * sizeof(float) + 2 * sizeof(act)) + TOGETHER);
    if (!memory)
        return 1;
    struct scratch s = {memory, memory + GROUP * width, memory + 3 * GROUP * width,
                        (act *)(memory + 6 * GROUP * width)};
    for (int64_t start = 0; start < batch; start += GROUP) {
        const int64_t group = batch - start < GROUP ? batch - start : GROUP;
        memcpy(s.x, condition + start * width, group * width * sizeof(float));
        for (int64_t g = 0; g < group; g++)
            add_rows(&m->embed, rows + (start + g) * m->embed.columns, s.x + g * width);
        for (int64_t layer = 0; layer < m->layers; layer++) {
            const int64_t at = start * stride + layer * 2 * width;
            block_step(&m->blocks[layer], width, group, stride, before + at, after + at, &s);
        }
        float worth[GROUP];
        for (int64_t g = 0; g < group; g++) {
            rms_norm(s.x + g * width, m->norm, width, s.window);
            worth[g] = quantise(s.window, width, s.whole + g * width);
        }
        linear(&m->hidden, s.whole, worth, group, hidden + start * m->heads * m->head_width);
    }
    free(memory);
    return 0;
}

/* --- the heads ----------------------------------------------------------------------------- */

/* Logits of a field, [batch, classes]; columns [batch, columns of the head]. */
int ritornello_logits(const struct model *m, int64_t which, int64_t batch, const float *hidden,
                      const int64_t *columns, float *logits)
{
    const struct head *head = &m->head[which];
    const int64_t width = m->head_width, stride = m->heads * width;
    float *inner = malloc(width * sizeof(float) + GROUP * width * sizeof(act) + TOGETHER);
    if (!inner)
        return 1;
    act *whole = (act *)(inner + width);
    for (int64_t start = 0; start < batch; start += GROUP) {
        const int64_t group = batch - start < GROUP ? batch - start : GROUP;
        float worth[GROUP];
        for (int64_t g = 0; g < group; g++) {
            memcpy(inner, hidden + (start + g) * stride + which * width, width * sizeof *inner);
            add_rows(&head->lookup, columns + (start + g) * head->lookup.columns, inner);
            for (int64_t i = 0; i < width; i++)
                inner[i] *= sigmoid(inner[i]);
            worth[g] = quantise(inner, width, whole + g * width);
        }
        linear(&head->out, whole, worth, group, logits + start * head->out.rows);
    }
    free(inner);
    return 0;
}

/* Drop the least likely classes beyond those that reach `mass` or count `most`; return the mass
   that stays. Positive floats sort like their bits, so the threshold is bisected bit by bit, until
   one class at most lies between what is kept and what is not enough. */
static float keep_likeliest(float *chance, int64_t n, float mass, int64_t most)
{
    float least = 0, kept = 0;
    int32_t low = 0, high = 0x3f800001; /* 0 keeps all; just above 1 keeps none */
    int64_t of_low = n, of_high = 0;
    while (high - low > 1 && of_low - of_high > 1) {
        int32_t middle = low + (high - low) / 2, count = 0;
        memcpy(&least, &middle, sizeof least);
        kept = 0;
        for (int64_t i = 0; i < n; i++) {
            kept += chance[i] >= least ? chance[i] : 0;
            count += chance[i] >= least;
        }
        if (kept >= mass || count >= most)
            low = middle, of_low = count;
        else
            high = middle, of_high = count;
    }
    memcpy(&least, &low, sizeof least);
    kept = 0;
    for (int64_t i = 0; i < n; i++) {
        chance[i] = chance[i] >= least ? chance[i] : 0;
        kept += chance[i];
    }
    return kept;
}

/* One class a row, as drawing.py, -1 where none has a chance; logits [batch, classes] are
   overwritten. */
static void draw(int64_t batch, int64_t classes, float *logits, const uint8_t *legal,
                 const double *uniform, double temperature, double top_p, int64_t top_k,
                 int64_t *chosen)
{
    const float down = (float)(1 / temperature);
    for (int64_t row = 0; row < batch; row++) {
        float *chance = logits + row * classes;
        const uint8_t *open = legal ? legal + row * classes : NULL;
        float top = -1e30f, total = 0;
        if (open)
            for (int64_t i = 0; i < classes; i++)
                chance[i] = open[i] ? chance[i] : -1e30f;
        for (int64_t i = 0; i < classes; i++)
            top = chance[i] > top ? chance[i] : top;
        for (int64_t i = 0; i < classes; i++) {
            chance[i] = chance[i] > -1e30f ? exp_((chance[i] - top) * down) : 0;
            total += chance[i];
        }
        if (top_k)
            total = keep_likeliest(chance, classes, 2 * total, top_k);
        if (top_p < 1)
            keep_likeliest(chance, classes, (float)top_p * total, classes);
        double mass = 0, sum = 0;
        for (int64_t i = 0; i < classes; i++)
            mass += chance[i];
        chosen[row] = -1;
        for (int64_t i = 0; i < classes && sum <= uniform[row] * mass; i++) {
            sum += chance[i];
            if (chance[i] > 0) /* so that rounding never ends on a closed class */
                chosen[row] = i;
        }
    }
}

/* Draw a field: chosen [batch]; legal [batch, classes] or NULL, uniform [batch]. */
int ritornello_choose(const struct model *m, int64_t which, int64_t batch, const float *hidden,
                      const int64_t *columns, const uint8_t *legal, const double *uniform,
                      double temperature, double top_p, int64_t top_k, int64_t *chosen)
{
    const int64_t classes = m->head[which].out.rows;
    float *logits = malloc(batch * classes * sizeof *logits);
    int failed = !logits || ritornello_logits(m, which, batch, hidden, columns, logits);
    if (!failed)
        draw(batch, classes, logits, legal, uniform, temperature, top_p, top_k, chosen);
    free(logits);
    return failed;
}
