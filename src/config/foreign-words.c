#include "config/foreign-words.h"

#include <stddef.h>
#include <strings.h>

#include "base/text.h"

struct foreign_word {
	const char *word;
	const char *instead;
};

#define LISTEN "write 'listen = {\"tcp:PORT\"}'"
#define ADDRESS "write 'listen = {\"tcp:ADDRESS:PORT\"}'"
#define TYPE                                                                                    \
	"the endpoint says it: 'listen = {\"tcp:PORT\"}' or '{\"udp:PORT\"}', with 'tcp4:' or " \
	"'tcp6:' for one family"
#define EXEC "write 'exec = {\"/PATH\", \"ARGUMENT\"}', the program and its arguments"
#define BUILTIN "write 'builtin = echo', or the name of another built-in service"
#define LOG "write 'log = ...' outside of all sections: there is one log for all services"
#define ENV "write 'env = {\"NAME=VALUE\"}'"
#define DIRECTORY "write 'directory = /PATH'"
#define CHROOT "write 'chroot = /PATH'"
#define INSTANCES "write 'instances = NUMBER', the number of clients at once"
#define TIMEOUT                                                                             \
	"write 'idle_timeout' or 'max_lifetime' for a built-in service, and for a program " \
	"'exec = {\"/usr/bin/timeout\", \"5m\", \"/PATH\"}'"
#define LIMIT(argument)                                                                 \
	"superd sets no limits of resources yet; write 'exec = {\"/usr/bin/prlimit\", " \
	"\"--" argument "\", \"--\", \"/PATH\"}'"
#define ONLY_FROM "write 'only_from = {\"192.0.2.0/24\"}'"
#define NO_ACCESS "write 'no_access = {\"192.0.2.0/24\"}'"
#define PER_SOURCE                                                                        \
	"superd has no limit for one address yet; use a firewall, such as nftables with " \
	"'ct count over NUMBER'"
#define RATE "write 'cps = \"10/s\"' or 'cps = \"600/10m\"', the number of clients in a time"
#define FORWARD                                                                               \
	"superd does not forward connections yet; write 'exec = {\"/usr/bin/socat\", \"-\", " \
	"\"TCP:HOST:PORT\"}'"
#define METRICS                                                                                   \
	"superd has no metrics and no status page yet; SIGUSR1 writes the state of all services " \
	"to the log"
#define FIELDS                                                                                \
	"the lines of the log cannot be changed; 'journalctl -u superd -o json' has them in " \
	"fields"
#define BANNER "superd writes nothing to the clients of a program yet; let the program do it"
#define TLS                                                                                 \
	"superd has no TLS yet; let 'exec' run stunnel, whose own configuration names the " \
	"program, or put a proxy in front"
#define PROXY                                                                                     \
	"superd does not read the PROXY protocol yet; the program finds its line first, and the " \
	"client of the log is the proxy"
#define RPC "superd registers no services with rpcbind; it listens on fixed ports only"
#define LOAD "superd has no limit by load yet; write 'instances = NUMBER'"
#define TITLE "the name stands before the brace: 'service \"NAME\" { ... }'"
#define SECTION "a section is written 'service \"NAME\" { ... }' or 'defaults { ... }'"
#define COMMENT "write a comment, which begins with '#'"
#define CGROUP                                                                                   \
	"superd has no cgroups for services yet; a limit for all is set in the unit of superd, " \
	"one for each process by prlimit in 'exec'"
#define CONFINE                                                                                  \
	"superd does not confine programs yet; use 'user' and 'chroot', and set in the unit of " \
	"superd what is to hold for all programs"
#define STANDARD                                                                                   \
	"with 'dispatch = spawn' standard input and output are the client's connection; 'stderr' " \
	"can be set"

static const struct foreign_word options[] = {
	/* xinetd */
	{ "socket_type", TYPE },
	{ "protocol", TYPE },
	{ "port", LISTEN },
	{ "bind", ADDRESS },
	{ "server", EXEC },
	{ "server_args", "the arguments follow the program: 'exec = {\"/PATH\", \"ARGUMENT\"}'" },
	{ "wait", "write 'dispatch = wait' for yes; no is the default" },
	{ "disable", "write 'enabled = no' for yes; 'enabled = yes' is the default" },
	{ "disabled", "write 'enabled = no' for yes, or 'enabled' in the section of the service" },
	{ "type", "write 'builtin = echo' or its like for INTERNAL; UNLISTED needs no word here, "
		  "and RPC and TCPMUX are not there" },
	{ "flags", "each flag is an option here: 'keepalive', 'nodelay', 'argv0' for NAMEINARGS; "
		   "IPv4 and IPv6 are 'tcp4:' and 'tcp6:' in 'listen'" },
	{ "per_source", PER_SOURCE },
	{ "libwrap", "write 'only_from = {\"192.0.2.0/24\"}', or for hosts.allow 'exec = "
		     "{\"/usr/sbin/tcpd\"}' with the program as 'argv0 = \"/PATH\"'" },
	{ "deny_time",
	  "superd bans no clients by itself yet; a tool that reads its log can, such as fail2ban" },
	{ "max_load", LOAD },
	{ "redirect", FORWARD },
	{ "rlimit_as", LIMIT("as=BYTES") },
	{ "rlimit_cpu", LIMIT("cpu=SECONDS") },
	{ "rlimit_data", LIMIT("data=BYTES") },
	{ "rlimit_files", LIMIT("nofile=NUMBER") },
	{ "rlimit_rss", LIMIT("rss=BYTES") },
	{ "rlimit_stack", LIMIT("stack=BYTES") },
	{ "banner", BANNER },
	{ "banner_success", BANNER },
	{ "banner_fail", "superd writes nothing to clients that it refuses yet; 'overflow = queue' "
			 "lets them wait instead" },
	{ "log_type", LOG },
	{ "id", TITLE },
	{ "includedir", "write 'include = {\"/PATH/*.conf\"}' outside of all sections" },
	{ "rpc_version", RPC },
	{ "rpc_number", RPC },
	{ "mdns", "superd announces nothing by mDNS; a file in /etc/avahi/services does" },
	/* systemd */
	{ "ExecStart", EXEC },
	{ "ListenStream", "write 'listen = {\"tcp:PORT\"}' or '{\"unix:/PATH\"}'" },
	{ "ListenDatagram", "write 'listen = {\"udp:PORT\"}' or '{\"unix-dgram:/PATH\"}'" },
	{ "ListenSequentialPacket", "write 'listen = {\"unix-seqpacket:/PATH\"}'" },
	{ "Accept", "no word is needed for yes; write 'dispatch = wait' for no" },
	{ "MaxConnections", INSTANCES },
	{ "MaxConnectionsPerSource", PER_SOURCE },
	{ "WorkingDirectory", DIRECTORY },
	{ "RootDirectory", CHROOT },
	{ "PassEnvironment", "write 'passenv = {\"NAME\"}'" },
	{ "StandardInput", STANDARD },
	{ "StandardOutput", STANDARD },
	{ "StandardError", "write 'stderr = log', 'socket' or 'null'" },
	{ "SupplementaryGroups", "write 'groups = yes' for all groups of the user" },
	{ "BindToDevice", "write 'interface = NAME'" },
	{ "BindIPv6Only", "write 'v6only = yes', or 'tcp6:' in 'listen'" },
	{ "ReusePort", "write 'shards = NUMBER' for the datagrams of a built-in service" },
	{ "ReceiveBuffer", "write 'rcvbuf = SIZE', such as '256k'" },
	{ "SendBuffer", "write 'sndbuf = SIZE', such as '256k'" },
	{ "DynamicUser", CONFINE },
	{ "PrivateTmp", CONFINE },
	{ "ProtectSystem", CONFINE },
	{ "IPAddressAllow", ONLY_FROM },
	{ "IPAddressDeny", NO_ACCESS },
	{ "MemoryMax", CGROUP },
	{ "CPUQuota", CGROUP },
	{ "TasksMax", CGROUP },
	{ "LimitNOFILE", LIMIT("nofile=NUMBER") },
	{ "LimitAS", LIMIT("as=BYTES") },
	{ "TriggerLimitBurst", RATE },
	{ "Description", COMMENT },
	/* nginx and HAProxy */
	{ "worker_processes", "write 'workers = NUMBER' outside of all sections" },
	{ "worker_connections", INSTANCES },
	{ "maxconn", INSTANCES },
	{ "access_log", LOG },
	{ "error_log", LOG },
	{ "proxy_pass", FORWARD },
	{ "proxy_protocol", PROXY },
	{ "allow", ONLY_FROM },
	{ "deny", NO_ACCESS },
	{ "limit_conn", PER_SOURCE },
	{ "limit_req", RATE },
	{ "keepalive_timeout", TIMEOUT },
	{ "ssl", TLS },
	{ "ssl_certificate", TLS },
	{ "server_name", TITLE },
	/* what people guess */
	{ "environment", ENV },
	{ "working_directory", DIRECTORY },
	{ "workdir", DIRECTORY },
	{ "cwd", DIRECTORY },
	{ "root", CHROOT },
	{ "timeout", TIMEOUT },
	{ "max_connections", INSTANCES },
	{ "max_clients", INSTANCES },
	{ "limit", INSTANCES },
	{ "address", ADDRESS },
	{ "host", ADDRESS },
	{ "ip", ADDRESS },
	{ "endpoint", LISTEN },
	{ "command", EXEC },
	{ "program", EXEC },
	{ "path", EXEC },
	{ "args", EXEC },
	{ "arguments", EXEC },
	{ "internal", BUILTIN },
	{ "name", TITLE },
	{ "uid", "write 'user', by name or number" },
	{ "gid", "write 'group', by name or number" },
	{ "priority", "write 'nice = NUMBER'" },
	{ "threads", "write 'workers = NUMBER' outside of all sections" },
	{ "log_file", LOG },
	{ "logfile", LOG },
	{ "log_level", "superd has no levels of the log; the option --debug logs more" },
	{ "log_format", FIELDS },
	{ "json", FIELDS },
	{ "metrics", METRICS },
	{ "prometheus", METRICS },
	{ "stats", METRICS },
	{ "status", METRICS },
	{ "rate_limit", RATE },
	{ "tls", TLS },
	{ "proxy", PROXY },
	{ "acl", "write 'only_from = {...}' or 'no_access = {...}' in the service, or a section "
		 "'set' for several services" },
	{ "service", SECTION },
	{ "services", SECTION },
	{ "defaults", SECTION },
};

static const struct foreign_word sections[] = {
	{ "server", "write 'service \"NAME\" { ... }'" },
	{ "socket", "write 'service \"NAME\" { ... }'" },
	{ "frontend", "write 'service \"NAME\" { ... }'" },
	{ "listen", "write 'listen = {\"tcp:PORT\"}' in a service" },
	{ "backend", FORWARD },
	{ "upstream", FORWARD },
	{ "stream", "services stand outside of all other sections" },
	{ "http", "superd knows nothing of HTTP; it runs a program that does, see 'exec'" },
	{ "events", "write 'poller' and 'workers' outside of all sections, or nothing" },
	{ "global", "write its options outside of all sections" },
};

static const char *find(const struct foreign_word *words, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(words[i].word, name) == 0)
			return words[i].instead;
	return NULL;
}

const char *foreign_option(const char *name)
{
	return find(options, sizeof(options) / sizeof(options[0]), name);
}

const char *foreign_option_nearest(const char *name)
{
	const char *words[sizeof(options) / sizeof(options[0]) + 1] = { NULL };
	int nearest;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		words[i] = options[i].word;
	nearest = text_nearest(name, words);
	return nearest < 0 ? NULL : options[nearest].instead;
}

const char *foreign_section(const char *name)
{
	return find(sections, sizeof(sections) / sizeof(sections[0]), name);
}
