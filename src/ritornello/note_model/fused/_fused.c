/* What a training step of the note model does element by element, forward and backward.

   `operations.py` says what each function computes, and has the same in torch. Each pass over memory
   does all it can: at 2,048 events a step these passes cost as much as the matrix products between
   them. Products are left to torch; their operands and results are `value`, float or bfloat16, and
   everything is computed and summed in float.

   Arrays are row-major and contiguous. Time comes first: event n is time n / batch of row n % batch.
   Functions take a range [first, last) of what they may share with other threads. */

#ifndef value /* the file includes itself, once for each type of value */

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "_numbers.h" /* of engine/ */

enum { SLICE = 64 }; /* columns that fit in registers: four of 16 floats */

typedef uint16_t bfloat16;

static inline float from_bfloat16(bfloat16 x)
{
    uint32_t bits = (uint32_t)x << 16;
    float y;
    memcpy(&y, &bits, sizeof y);
    return y;
}

static inline bfloat16 to_bfloat16(float x) /* to the nearest, ties to even */
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (bfloat16)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/* Dropout: what `index` is multiplied with, 0 or 1 / (1 - share). A hash and no table of masks, so
   that the way back finds the same numbers again. */
static inline float kept(uint32_t index, uint32_t seed, uint32_t below, float scale)
{
    uint32_t h = index * 0x9e3779b1u ^ seed;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return (h ^ h >> 16) >= below ? scale : 0.0f;
}

/* Rows of a table, int32 [rows, columns] of `out`, that the classes of chosen events stand for.
   Several tables of classes lie side by side: `classes[i]` is int64 [events, strides[i]], of which
   the first `counts[i]` columns are read; one row for all times where `by_row[i]`. */
void ritornello_table_rows(int64_t rows, const int64_t *restrict chosen, int64_t batch, int64_t tables,
                           const int64_t *const *restrict classes, const int64_t *restrict counts,
                           const int64_t *restrict strides, const int64_t *restrict by_row, const int64_t *restrict offsets,
                           int64_t columns, int32_t *restrict out)
{
    for (int64_t r = 0; r < rows; r++) {
        const int64_t event = chosen ? chosen[r] : r;
        int64_t column = 0;
        for (int64_t i = 0; i < tables; i++) {
            const int64_t *from = classes[i] + (by_row[i] ? event % batch : event) * strides[i];
            for (int64_t c = 0; c < counts[i]; c++, column++)
                out[r * columns + column] = (int32_t)(offsets[column] + from[c]);
        }
    }
}

/* sum [SLICE] += the rows of a table. The slices of all rows stay near the processor. */
static inline void add_rows(const float *table, int64_t width, const int32_t *rows, int64_t columns,
                            int64_t n, float *restrict sum)
{
    if (n == SLICE) {
        float held[SLICE];
        memcpy(held, sum, sizeof held);
        for (int64_t c = 0; c < columns; c++) {
            const float *row = table + rows[c] * width;
            for (int i = 0; i < SLICE; i++)
                held[i] += row[i];
        }
        memcpy(sum, held, sizeof held);
    } else
        for (int64_t c = 0; c < columns; c++)
            for (int64_t i = 0; i < n; i++)
                sum[i] += table[rows[c] * width + i];
}

static inline void add_to_rows(float *table, int64_t width, const int32_t *rows, int64_t columns,
                               int64_t n, const float *restrict add)
{
    for (int64_t c = 0; c < columns; c++) {
        float *restrict row = table + rows[c] * width;
        if (n == SLICE)
            for (int i = 0; i < SLICE; i++)
                row[i] += add[i];
        else
            for (int64_t i = 0; i < n; i++)
                row[i] += add[i];
    }
}

/* out [events, width] = extra [batch, width] + the rows of a table; slices [first, last). */
void ritornello_lookup(int64_t first, int64_t last, int64_t events, int64_t batch, int64_t width,
                       const float *restrict extra, const float *restrict table, const int32_t *restrict rows, int64_t columns,
                       float *restrict out)
{
    for (int64_t start = first * SLICE; start < last * SLICE && start < width; start += SLICE) {
        const int64_t n = width - start < SLICE ? width - start : SLICE;
        for (int64_t e = 0; e < events; e++) {
            float *sum = out + e * width + start;
            memcpy(sum, extra + e % batch * width + start, n * sizeof *sum);
            add_rows(table + start, width, rows + e * columns, columns, n, sum);
        }
    }
}

/* The gradient of a table from that of its sums; slices [first, last). */
void ritornello_lookup_back(int64_t first, int64_t last, int64_t events, int64_t width,
                            const float *restrict gradient, const int32_t *restrict rows, int64_t columns,
                            float *restrict table)
{
    for (int64_t start = first * SLICE; start < last * SLICE && start < width; start += SLICE) {
        const int64_t n = width - start < SLICE ? width - start : SLICE;
        for (int64_t e = 0; e < events; e++)
            add_to_rows(table + start, width, rows + e * columns, columns, n,
                        gradient + e * width + start);
    }
}

/* c[t] = forget[t] * c[t-1] + update[t], [time, batch * width]; columns [first, last). */
void ritornello_scan(int64_t first, int64_t last, int64_t time, int64_t columns,
                     const float *restrict forget, const float *restrict update, const float *restrict start, float *restrict out)
{
    for (int64_t t = 0; t < time; t++) {
        const float *before = t ? out + (t - 1) * columns : start;
        const int64_t at = t * columns;
        for (int64_t i = first; i < last; i++)
            out[at + i] = forget[at + i] * before[i] + update[at + i];
    }
}

void ritornello_scan_back(int64_t first, int64_t last, int64_t time, int64_t columns,
                          const float *restrict forget, const float *restrict out, const float *restrict start,
                          const float *restrict gradient, float *restrict of_forget, float *restrict of_update)
{
    for (int64_t t = time - 1; t >= 0; t--) {
        const float *before = t ? out + (t - 1) * columns : start;
        const int64_t at = t * columns;
        for (int64_t i = first; i < last; i++) {
            float flow = gradient[at + i];
            if (t + 1 < time)
                flow += forget[at + columns + i] * of_update[at + columns + i];
            of_update[at + i] = flow;
            of_forget[at + i] = flow * before[i];
        }
    }
}

/* Eight rows of eight values become columns: pairs, then fours, then eights change places. */
typedef uint16_t eight __attribute__((vector_size(16)));

static inline void turn(const bfloat16 *x, int64_t stride, bfloat16 *out, int64_t out_stride)
{
    eight a[8], b[8];
    for (int i = 0; i < 8; i++)
        memcpy(&a[i], x + i * stride, sizeof *a);
    for (int i = 0; i < 4; i++) { /* b[2i], b[2i+1]: rows i and i + 4, value by value */
        b[2 * i] = __builtin_shufflevector(a[i], a[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
        b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    for (int i = 0; i < 4; i++) {
        a[2 * i] = __builtin_shufflevector(b[i], b[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
        a[2 * i + 1] = __builtin_shufflevector(b[i], b[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    for (int i = 0; i < 4; i++) {
        b[2 * i] = __builtin_shufflevector(a[i], a[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
        b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i++)
        memcpy(out + i * out_stride, &b[i], sizeof *b);
}

/* out [columns, rows] of x [rows, columns]; columns [first, last), in strips that fill whole cache
   lines of `out`. */
void ritornello_transposed(int64_t first, int64_t last, int64_t rows, int64_t columns,
                           const bfloat16 *restrict x, bfloat16 *restrict out)
{
    enum { STRIP = 128 };
    for (int64_t top = 0; top < rows; top += STRIP)
        for (int64_t left = first; left < last; left += 8) {
            const int64_t bottom = top + STRIP < rows ? top + STRIP : rows;
            int64_t r = top;
            if (left + 8 <= last)
                for (; r + 8 <= bottom; r += 8)
                    turn(x + r * columns + left, columns, out + left * rows + r, rows);
            for (; r < bottom; r++)
                for (int64_t c = left; c < left + 8 && c < last; c++)
                    out[c * rows + r] = x[r * columns + c];
        }
}

#define PASTE(name, type) ritornello_##name##_##type
#define NAMED(name, type) PASTE(name, type)

#define value float
#define load(x) (x)
#define store(x) (x)
#include "_fused.c"
#undef value
#undef load
#undef store

#define value bfloat16
#define load(x) from_bfloat16(x)
#define store(x) to_bfloat16(x)
#include "_fused.c"

#else

#define TYPED(name) NAMED(name, value)

/* RMSNorm of x [events, width] to out [events, copies * width]. With two copies the second of an
   event is the first of the one before it in time, `before` [batch, width] at the start; `after`
   gets the last. `down` [events] is what x was multiplied with. */
void TYPED(norm)(int64_t first, int64_t last, int64_t events, int64_t batch, int64_t width,
                 int64_t copies, const float *restrict x, const float *restrict weight, const float *restrict before,
                 value *restrict out, float *restrict down, float *restrict after)
{
    for (int64_t e = first; e < last; e++) {
        const float *from = x + e * width;
        float squares = 0;
        for (int64_t i = 0; i < width; i++)
            squares += from[i] * from[i];
        const float factor = 1.0f / sqrtf(squares / width + 1e-5f);
        down[e] = factor;
        value *here = out + e * copies * width;
        for (int64_t i = 0; i < width; i++)
            here[i] = store(from[i] * factor * weight[i]);
        if (copies == 1)
            continue;
        if (e < batch)
            for (int64_t i = 0; i < width; i++)
                here[width + i] = store(before[e * width + i]);
        if (e + batch < events)
            memcpy(here + (2 * batch + 1) * width, here, width * sizeof *here);
        else
            for (int64_t i = 0; i < width; i++)
                after[(e + batch - events) * width + i] = from[i] * factor * weight[i];
    }
}

/* of_x = residual (or nothing) + the gradient through the norm; `of_weight` [width] is added to. */
void TYPED(norm_back)(int64_t first, int64_t last, int64_t events, int64_t batch, int64_t width,
                      int64_t copies, const value *restrict gradient, const float *restrict of_after, const float *restrict x,
                      const float *restrict down, const float *restrict weight, const float *restrict residual, float *restrict of_x,
                      float *restrict of_weight)
{
    for (int64_t e = first; e < last; e++) {
        const value *here = gradient + e * copies * width;
        const float *from = x + e * width;
        float *to = of_x + e * width, dot = 0;
        for (int64_t i = 0; i < width; i++)
            to[i] = load(here[i]);
        if (copies == 2 && e + batch < events)
            for (int64_t i = 0; i < width; i++)
                to[i] += load(here[(2 * batch + 1) * width + i]);
        else if (copies == 2 && of_after)
            for (int64_t i = 0; i < width; i++)
                to[i] += of_after[(e + batch - events) * width + i];
        for (int64_t i = 0; i < width; i++) {
            of_weight[i] += to[i] * from[i] * down[e];
            to[i] *= weight[i] * down[e];
            dot += to[i] * from[i];
        }
        dot *= down[e] * down[e] / width;
        for (int64_t i = 0; i < width; i++)
            to[i] += (residual ? residual[e * width + i] : 0.0f) - dot * from[i];
    }
}

/* The QRNN after its product, with dropout and residual: out = x + kept * sigmoid(o) * c,
   c[t] = f c[t-1] + (1 - f) tanh(z). gates [events, 3 * width] are z, f and o without their bias;
   rows [first, last) of the batch. */
void TYPED(qrnn)(int64_t first, int64_t last, int64_t time, int64_t batch, int64_t width,
                 const value *restrict gates, const float *restrict bias, const float *restrict start, const float *restrict x,
                 uint32_t seed, uint32_t below, float scale, float *restrict carried, float *restrict out)
{
    for (int64_t t = 0; t < time; t++)
        for (int64_t b = first; b < last; b++) {
            const int64_t at = (t * batch + b) * width;
            const value *z = gates + 3 * at, *f = z + width, *o = f + width;
            const float *before = t ? carried + at - batch * width : start + b * width;
            for (int64_t i = 0; i < width; i++) {
                const float forget = sigmoid(load(f[i]) + bias[width + i]);
                const float candidate = tanh_(load(z[i]) + bias[i]);
                const float carry = candidate + forget * (before[i] - candidate);
                const float open = sigmoid(load(o[i]) + bias[2 * width + i]);
                carried[at + i] = carry;
                out[at + i] = x[at + i] + open * carry * kept((uint32_t)(at + i), seed, below, scale);
            }
        }
}

/* `flow` [batch, width] holds the gradient of the last c, and in the end that of `start`. */
void TYPED(qrnn_back)(int64_t first, int64_t last, int64_t time, int64_t batch, int64_t width,
                      const value *restrict gates, const float *restrict bias, const float *restrict start,
                      const float *restrict carried, const float *restrict gradient, uint32_t seed, uint32_t below,
                      float scale, float *restrict flow, value *restrict of_gates)
{
    for (int64_t t = time - 1; t >= 0; t--)
        for (int64_t b = first; b < last; b++) {
            const int64_t at = (t * batch + b) * width;
            const value *z = gates + 3 * at, *f = z + width, *o = f + width;
            value *of_z = of_gates + 3 * at, *of_f = of_z + width, *of_o = of_f + width;
            const float *before = t ? carried + at - batch * width : start + b * width;
            float *restrict down = flow + b * width;
            for (int64_t i = 0; i < width; i++) {
                const float forget = sigmoid(load(f[i]) + bias[width + i]);
                const float candidate = tanh_(load(z[i]) + bias[i]);
                const float open = sigmoid(load(o[i]) + bias[2 * width + i]);
                const float of_out = gradient[at + i]
                    * kept((uint32_t)(at + i), seed, below, scale);
                const float of_carry = of_out * open + down[i];
                of_o[i] = store(of_out * carried[at + i] * open * (1.0f - open));
                of_f[i] = store(of_carry * (before[i] - candidate) * forget * (1.0f - forget));
                of_z[i] = store(of_carry * (1.0f - forget) * (1.0f - candidate * candidate));
                down[i] = of_carry * forget;
            }
        }
}

/* A head before its last product: `inner` [rows, width] += bias + the rows of a table, and
   out = silu(inner). inner lies in a row of `stride` values; slices [first, last). */
void TYPED(head)(int64_t first, int64_t last, int64_t count, int64_t width, int64_t stride,
                 const float *restrict bias, const float *restrict table, const int32_t *restrict rows, int64_t columns,
                 value *restrict inner, value *restrict out)
{
    for (int64_t start = first * SLICE; start < last * SLICE && start < width; start += SLICE) {
        const int64_t n = width - start < SLICE ? width - start : SLICE;
        for (int64_t r = 0; r < count; r++) {
            value *here = inner + r * stride + start, *to = out + r * width + start;
            float sum[SLICE];
            for (int64_t i = 0; i < n; i++)
                sum[i] = load(here[i]) + bias[start + i];
            add_rows(table + start, width, rows + r * columns, columns, n, sum);
            for (int64_t i = 0; i < n; i++) {
                here[i] = store(sum[i]);
                to[i] = store(sum[i] * sigmoid(sum[i]));
            }
        }
    }
}

/* The way back, from the gradient of `out`; `inner` becomes its own gradient, that of the table is
   added to. */
void TYPED(head_back)(int64_t first, int64_t last, int64_t count, int64_t width, int64_t stride,
                      const value *restrict gradient, const int32_t *restrict rows, int64_t columns, value *restrict inner,
                      float *restrict table)
{
    for (int64_t start = first * SLICE; start < last * SLICE && start < width; start += SLICE) {
        const int64_t n = width - start < SLICE ? width - start : SLICE;
        for (int64_t r = 0; r < count; r++) {
            value *here = inner + r * stride + start;
            const value *from = gradient + r * width + start;
            float back[SLICE];
            for (int64_t i = 0; i < n; i++) {
                const float x = load(here[i]), share = sigmoid(x);
                back[i] = load(from[i]) * share * (1.0f + x * (1.0f - share));
                here[i] = store(back[i]);
            }
            add_to_rows(table + start, width, rows + r * columns, columns, n, back);
        }
    }
}

/* nats [rows] = -log softmax(logits + bias)[target] over the legal classes; all are where `legal`,
   uint8 [rows, classes], is null. `total` [rows] is the logarithm of the sum. Rows [first, last). */
void TYPED(nats)(int64_t first, int64_t last, int64_t classes, const value *restrict logits,
                 const float *restrict bias, const uint8_t *restrict legal, const int64_t *restrict target, float *restrict nats,
                 float *restrict total)
{
    float held[classes];
    for (int64_t r = first; r < last; r++) {
        const value *row = logits + r * classes;
        float top = -1e30f, sum = 0;
        for (int64_t i = 0; i < classes; i++)
            held[i] = load(row[i]) + bias[i];
        if (legal)
            for (int64_t i = 0; i < classes; i++)
                held[i] = legal[r * classes + i] ? held[i] : -1e30f;
        for (int64_t i = 0; i < classes; i++)
            top = held[i] > top ? held[i] : top;
        for (int64_t i = 0; i < classes; i++)
            sum += held[i] > -1e29f ? exp_(held[i] - top) : 0.0f;
        total[r] = top + logf(sum);
        nats[r] = total[r] - held[target[r]];
    }
}

/* logits become their gradient, from that of nats. */
void TYPED(nats_back)(int64_t first, int64_t last, int64_t classes, const float *restrict bias,
                      const uint8_t *restrict legal, const int64_t *restrict target, const float *restrict total,
                      const float *restrict gradient, value *restrict logits)
{
    for (int64_t r = first; r < last; r++) {
        value *row = logits + r * classes;
        const float hit = exp_(load(row[target[r]]) + bias[target[r]] - total[r]) - 1.0f;
        if (legal)
            for (int64_t i = 0; i < classes; i++)
                row[i] = store(legal[r * classes + i]
                                   ? gradient[r] * exp_(load(row[i]) + bias[i] - total[r]) : 0.0f);
        else
            for (int64_t i = 0; i < classes; i++)
                row[i] = store(gradient[r] * exp_(load(row[i]) + bias[i] - total[r]));
        row[target[r]] = store(gradient[r] * hit);
    }
}

/* sums [columns] over the rows of x [rows, stride]; columns [first, last). */
void TYPED(column_sums)(int64_t first, int64_t last, int64_t rows, int64_t stride, const value *restrict x,
                        float *restrict sums)
{
    for (int64_t i = first; i < last; i++)
        sums[i] = 0;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = first; i < last; i++)
            sums[i] += load(x[r * stride + i]);
}

#undef TYPED
#endif
