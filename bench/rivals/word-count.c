/* Word count of a file in memory with two threads: about the limit of what the machine can do.
 * Words are what blanks and line ends separate. `word-count <input>`: words and counts, unsorted. */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SLOTS (1u << 21)
#define THREADS 2

typedef struct {
  const char *word;
  uint32_t length;
  uint32_t hash;
  uint64_t count;
} Entry;

typedef struct {
  const char *at;
  const char *end;
  Entry *table;
} Part;

static void add(Entry *table, const char *word, uint32_t length, uint32_t hash, uint64_t count) {
  for (uint32_t slot = hash & (SLOTS - 1);; slot = (slot + 1) & (SLOTS - 1)) {
    Entry *entry = &table[slot];
    if (entry->count == 0) {
      *entry = (Entry){word, length, hash, count};
      return;
    }
    if (entry->hash == hash && entry->length == length && memcmp(entry->word, word, length) == 0) {
      entry->count += count;
      return;
    }
  }
}

static void *count_words(void *argument) {
  Part *part = argument;
  const char *at = part->at;
  while (at < part->end) {
    while (at < part->end && (unsigned char)*at <= ' ') at++;
    const char *word = at;
    uint64_t hash = 14695981039346656037u;
    while (at < part->end && (unsigned char)*at > ' ') hash = (hash ^ (unsigned char)*at++) * 1099511628211u;
    if (at > word) add(part->table, word, (uint32_t)(at - word), (uint32_t)(hash ^ (hash >> 32)), 1);
  }
  return NULL;
}

int main(int count, char **arguments) {
  struct stat status;
  int file = count == 2 ? open(arguments[1], O_RDONLY) : -1;
  if (file < 0 || fstat(file, &status) != 0) return 2;
  const char *text = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
  if (text == MAP_FAILED) return 2;
  const char *end = text + status.st_size;
  const char *middle = text + status.st_size / 2;
  while (middle < end && *middle != '\n') middle++;
  Part parts[THREADS] = {{text, middle, NULL}, {middle, end, NULL}};
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    parts[i].table = calloc(SLOTS, sizeof(Entry));
    if (parts[i].table == NULL || pthread_create(&threads[i], NULL, count_words, &parts[i])) return 2;
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  for (uint32_t slot = 0; slot < SLOTS; slot++) {
    Entry *entry = &parts[1].table[slot];
    if (entry->count > 0) add(parts[0].table, entry->word, entry->length, entry->hash, entry->count);
  }
  for (uint32_t slot = 0; slot < SLOTS; slot++) {
    Entry *entry = &parts[0].table[slot];
    if (entry->count > 0) printf("%.*s\t%lu\n", (int)entry->length, entry->word, (unsigned long)entry->count);
  }
  return 0;
}
