/*
 * Loaded into a process under test (LD_PRELOAD) to break its disk at a chosen moment. Counts the calls that change files below
 * FAULT_ROOT and, at number FAULT_AT, does what FAULT_KIND says: kill (SIGKILL before the call), eio (this and every later flush fails),
 * enospc (this and every later write fails), noshm (memory cannot be shared through files, as on network mounts). Appends every counted call to FAULT_LOG.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_int calls;

static const char *setting(const char *name) { const char *value = getenv(name); return value ? value : ""; }

static int below_root(const char *path) {
  const char *root = setting("FAULT_ROOT");
  return *root && strncmp(path, root, strlen(root)) == 0;
}

static const char *path_of(int fd, char *buffer) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, buffer, PATH_MAX - 1);
  buffer[length < 0 ? 0 : length] = 0;
  return buffer;
}

/* Returns the errno to fail with, or 0 to go on. */
static int counted(const char *call, const char *path, int is_flush, int is_write) {
  if (!below_root(path)) return 0;
  int number = atomic_fetch_add(&calls, 1) + 1;
  int due = number >= atoi(setting("FAULT_AT")) && atoi(setting("FAULT_AT")) > 0;
  const char *kind = setting("FAULT_KIND");
  int fault = 0;
  if (due && strcmp(kind, "eio") == 0 && is_flush) fault = EIO;
  if (due && strcmp(kind, "enospc") == 0 && is_write) fault = ENOSPC;
  char line[PATH_MAX + 64];
  int length = snprintf(line, sizeof line, "%d %s %s %s\n", number, call, strrchr(path, '/') + 1, fault ? "failed" : "ok");
  static int log = -1;
  if (log < 0) log = open(setting("FAULT_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ssize_t (*real_write)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
  if (log >= 0) (void)!real_write(log, line, (size_t)length);
  if (due && strcmp(kind, "kill") == 0) kill(getpid(), SIGKILL);
  return fault;
}

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = dlsym(RTLD_NEXT, name)
#define CHECK_FD(call, flush, write) char buffer[PATH_MAX]; int fault = counted(call, path_of(fd, buffer), flush, write); if (fault) { errno = fault; return -1; }
#define CHECK_PATH(call, path) int fault = counted(call, path, 0, 0); if (fault) { errno = fault; return -1; }

ssize_t write(int fd, const void *data, size_t size) { REAL(ssize_t, "write", int, const void *, size_t); CHECK_FD("write", 0, 1) return real(fd, data, size); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { REAL(ssize_t, "pwrite", int, const void *, size_t, off_t); CHECK_FD("write", 0, 1) return real(fd, data, size, at); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t); CHECK_FD("write", 0, 1) return real(fd, data, size, at); }
int ftruncate(int fd, off_t size) { REAL(int, "ftruncate", int, off_t); CHECK_FD("truncate", 0, 0) return real(fd, size); }
int ftruncate64(int fd, off64_t size) { REAL(int, "ftruncate64", int, off64_t); CHECK_FD("truncate", 0, 0) return real(fd, size); }
int fsync(int fd) { REAL(int, "fsync", int); CHECK_FD("flush", 1, 0) return real(fd); }
int fdatasync(int fd) { REAL(int, "fdatasync", int); CHECK_FD("flush", 1, 0) return real(fd); }
int rename(const char *from, const char *to) { REAL(int, "rename", const char *, const char *); CHECK_PATH("rename", to) return real(from, to); }
int unlink(const char *path) { REAL(int, "unlink", const char *); CHECK_PATH("unlink", path) return real(path); }

static int refuses_sharing(int fd) {
  char buffer[PATH_MAX];
  const char *path;
  if (fd < 0 || strcmp(setting("FAULT_KIND"), "noshm") != 0) return 0;
  path = path_of(fd, buffer);
  return below_root(path) && strlen(path) > 4 && strcmp(path + strlen(path) - 4, "-shm") == 0;
}
void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) { REAL(void *, "mmap", void *, size_t, int, int, int, off_t); if (refuses_sharing(fd)) { errno = ENODEV; return MAP_FAILED; } return real(at, size, protection, flags, fd, offset); }
void *mmap64(void *at, size_t size, int protection, int flags, int fd, off64_t offset) { REAL(void *, "mmap64", void *, size_t, int, int, int, off64_t); if (refuses_sharing(fd)) { errno = ENODEV; return MAP_FAILED; } return real(at, size, protection, flags, fd, offset); }
