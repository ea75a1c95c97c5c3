/* exp, sigmoid and tanh as all kernels compute them, in forms that a compiler vectorises. */

#include <math.h>
#include <stdint.h>
#include <string.h>

/* exp to 2 units in the last place, without branches: 2^n times a polynomial on [-ln2/2, ln2/2]. */
static inline float exp_(float x)
{
    x = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
    float n = rintf(x * 1.44269504f);
    float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.0f + r * (1.0f + r * (0.5f + r * (1.66666657e-1f + r * (4.16666567e-2f
            + r * (8.33345205e-3f + r * 1.39410302e-3f)))));
    int32_t bits = ((int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

static inline float sigmoid(float x) { return 1.0f / (1.0f + exp_(-x)); }
static inline float tanh_(float x) { return 2.0f * sigmoid(2.0f * x) - 1.0f; }
