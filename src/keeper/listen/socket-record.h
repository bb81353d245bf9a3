#pragma once

/*
 * What the options of a listening socket were before a program got it. Whatever the program sets
 * stays with the socket, and would hold for the next program and its clients. Options whose value
 * the kernel does not tell, such as multicast groups, are not recorded.
 */

struct socket_record;

/* Replaces @record, which may be NULL, by one of now. Returns 0 or -ENOMEM. */
int socket_record_renew(struct socket_record **record, int fd);
void socket_record_free(struct socket_record *record);

/* superd itself has changed options of @fd, which were @before: @record gets their new values. */
void socket_record_follow(struct socket_record *record, const struct socket_record *before, int fd);

/*
 * Sets the options of @fd that are not as recorded. Returns NULL, or what could not be set back, as
 * the end of a sentence.
 */
const char *socket_record_restore(const struct socket_record *record, int fd);
