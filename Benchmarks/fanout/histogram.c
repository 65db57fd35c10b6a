#include "ssebench.h"

void histogram_add(Histogram *histogram, uint64_t ns)
{
    unsigned step = (unsigned)ns;
    if (ns >> STEP_BITS) {
        unsigned power = 63u - (unsigned)__builtin_clzll(ns);
        unsigned linear = (unsigned)(ns >> (power - STEP_BITS)) & ((1u << STEP_BITS) - 1);
        step = ((power - STEP_BITS + 1) << STEP_BITS) + linear;
    }
    histogram->steps[step]++;
    histogram->count++;
    if (ns > histogram->max) histogram->max = ns;
}

double histogram_quantile(const Histogram *histogram, double q)
{
    uint64_t wanted = (uint64_t)(q * (double)histogram->count), seen = 0;
    for (unsigned step = 0; step < STEPS; step++) {
        seen += histogram->steps[step];
        if (seen <= wanted) continue;
        if (step < (1u << STEP_BITS)) return step / 1e3;
        unsigned shift = (step >> STEP_BITS) - 1;
        uint64_t linear = (1u << STEP_BITS) + (step & ((1u << STEP_BITS) - 1));
        return (double)(linear << shift) / 1e3;
    }
    return (double)histogram->max / 1e3;
}
