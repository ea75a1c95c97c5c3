/* One unit of an LSTM along a sequence, forward and backward; `unit_lstm.py` says what is what.

   Arrays are row-major and contiguous, [batch, time, 4] for what has a value a gate: in, forget,
   candidate, out. */

#include <math.h>
#include <stdint.h>

static inline float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

/* `gates` holds what the input says of each gate, and afterwards how far each is open. */
void ritornello_unit_lstm(int64_t batch, int64_t time, const float *recurrent, float *gates,
                          float *cell, float *out)
{
    for (int64_t row = 0; row < batch; row++) {
        float c = 0, h = 0;
        for (int64_t t = row * time; t < (row + 1) * time; t++) {
            float *gate = gates + 4 * t;
            gate[0] = sigmoid(gate[0] + recurrent[0] * h);
            gate[1] = sigmoid(gate[1] + recurrent[1] * h);
            gate[2] = tanhf(gate[2] + recurrent[2] * h);
            gate[3] = sigmoid(gate[3] + recurrent[3] * h);
            cell[t] = c = gate[1] * c + gate[0] * gate[2];
            out[t] = h = gate[3] * tanhf(c);
        }
    }
}

/* Gradients of what the input says, and of the recurrent weights, from that of the output. */
void ritornello_unit_lstm_back(int64_t batch, int64_t time, const float *recurrent,
                               const float *gates, const float *cell, const float *out,
                               const float *of_out, float *of_gates, float *of_recurrent)
{
    for (int64_t row = 0; row < batch; row++) {
        float of_c = 0, of_h = 0;
        for (int64_t t = (row + 1) * time - 1; t >= row * time; t--) {
            int first = t == row * time;
            const float *gate = gates + 4 * t;
            float *of = of_gates + 4 * t, squashed = tanhf(cell[t]);
            of_h += of_out[t];
            of_c += of_h * gate[3] * (1 - squashed * squashed);
            of[0] = of_c * gate[2] * gate[0] * (1 - gate[0]);
            of[1] = first ? 0 : of_c * cell[t - 1] * gate[1] * (1 - gate[1]);
            of[2] = of_c * gate[0] * (1 - gate[2] * gate[2]);
            of[3] = of_h * squashed * gate[3] * (1 - gate[3]);
            of_c *= gate[1];
            of_h = 0;
            for (int k = 0; k < 4; k++) {
                of_h += of[k] * recurrent[k];
                if (!first)
                    of_recurrent[k] += of[k] * out[t - 1];
            }
        }
    }
}
