/* Keeps sampled times, so that percentiles are exact; in a very long phase every second, fourth, eighth … of them. */
#include <stdio.h>
#include <stdlib.h>

#include "client.h"

#define MAXIMUM_SAMPLES (16u << 20)

static uint32_t *samples;
static size_t count;
static size_t capacity;
static size_t seen;
static size_t stride = 1;

static void halve(void) {
  for (size_t i = 0; i < count / 2; i++) samples[i] = samples[i * 2];
  count /= 2;
  stride *= 2;
}

void add_sample(int64_t micros) {
  if (seen++ % stride != 0) return;
  if (count == MAXIMUM_SAMPLES) halve();
  if (count == capacity) {
    capacity = capacity ? capacity * 2 : 1 << 16;
    samples = realloc(samples, capacity * sizeof *samples);
    if (!samples) fail("no memory for samples");
  }
  samples[count++] = micros < 0 ? 0 : (uint32_t)micros;
}

void clear_samples(void) {
  count = seen = 0;
  stride = 1;
}

static int compare(const void *a, const void *b) {
  uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
  return left < right ? -1 : left > right;
}

/* Nearest rank. */
static uint32_t percentile(size_t percent) {
  size_t rank = (count * percent + 99) / 100;
  return samples[rank ? rank - 1 : 0];
}

void print_samples(void) {
  if (count == 0) {
    printf("\"samples\":0");
    return;
  }
  qsort(samples, count, sizeof *samples, compare);
  printf("\"samples\":%zu,\"p50\":%u,\"p99\":%u,\"max\":%u", count, percentile(50), percentile(99), samples[count - 1]);
}
