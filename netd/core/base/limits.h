/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every bound on a quantity that comes from outside, each with its reason. */
#pragma once

/* A policy is written by people; 1 MiB is some 20,000 rules. Bounds parse time and memory. */
#define LIMIT_POLICY_BYTES (1024u * 1024u)
/* Files of one policy directory: more is a mistake (a wrong directory), not a policy. */
#define LIMIT_POLICY_FILES 256u
/* One file of settings: there are less than ten, and their comments. */
#define LIMIT_CONF_BYTES (64u * 1024u)
/* A value there: a path, and the kernel knows none that is longer. */
#define LIMIT_CONF_VALUE 4096u
/* Nesting a policy never needs; bounds the parser's stack. */
#define LIMIT_YAML_DEPTH 16u
/* What aliases and merge keys may stand for, in values: a compose file's are some hundred. Bounds
 * what a walk through the tree costs. */
#define LIMIT_YAML_NODES 500000u
/* Anchors of one file. */
#define LIMIT_YAML_ANCHORS 1000u
/* A chain per tier and a set per tier and family: keeps the ruleset readable and loads in ms. */
#define LIMIT_TIERS 256u
/* Rules are walked linearly inside a tier's chain (about 15 ns each for the first packet). */
#define LIMIT_RULES 4096u
/* Peers or ports in one rule. */
#define LIMIT_RULE_ITEMS 256u
/* Sources times destinations times ports, over all rules: each becomes two rules in the kernel, one
 * a family. Bounds what a commit costs to some tenths of a second and 50 MB. */
#define LIMIT_COMBINATIONS 16384u
/* Diagnostics kept; the rest is counted, so hostile input cannot flood the terminal. */
#define LIMIT_DIAGS 200u
/* Findings of an audit: thirty for each of a thousand containers. */
#define LIMIT_AUDIT_FINDINGS 30000u
/* Names: tier, network, container. nftables chain names hold 127 bytes, with our prefix. */
#define LIMIT_NAME 64u
/* A peer in print: a tier name or a prefix. */
#define LIMIT_PEER_TEXT 72u
/* All files of a compose project together: the largest in use have some 2,000 lines. */
#define LIMIT_COMPOSE_BYTES (1024u * 1024u)
/* Files of it, those that `extends` and `include` name too. */
#define LIMIT_COMPOSE_FILES 64u
/* Values read, those of `extends` counted each time: bounds what a chain of them costs. */
#define LIMIT_COMPOSE_VALUES 1000000u
#define LIMIT_COMPOSE_EXTENDS 16u /* and of `include` in each other */
/* Docker's own pools hold some 30 networks, with addresses given some hundred. */
#define LIMIT_COMPOSE_SERVICES 1000u
#define LIMIT_COMPOSE_NETWORKS 200u
#define LIMIT_COMPOSE_SUBNETS 16u /* of one network */
/* Name of a service or network: with the project's and a number the container's has 255. */
#define LIMIT_COMPOSE_KEY 180u
#define LIMIT_COMPOSE_REPLICAS 1000u
/* Containers, and their endpoints: symbolic addresses are of a /15. */
#define LIMIT_COMPOSE_ENDPOINTS 10000u
/* Published ports of all containers, ranges written out. */
#define LIMIT_COMPOSE_PORTS 100000u
/* Of one .env file. */
#define LIMIT_COMPOSE_VARIABLES 4096u
/* A text with its variables filled in, and all of them together. */
#define LIMIT_COMPOSE_TEXT (64u * 1024u)
#define LIMIT_COMPOSE_TEXTS (16u * 1024u * 1024u)
/* What filling them in may cost: bytes read, and variables looked through. Some 0.3 s; the largest
 * projects need a hundredth. */
#define LIMIT_COMPOSE_STEPS 100000000u
/* What a change changes, in short: the loop reads it. Four lists of 20 entries, mostly some 5 KiB.
 */
#define LIMIT_CHANGES_BYTES (64u * 1024u)
/* What a child that has checked the policy files hands on: their texts, of which each byte may take
 * two, or some findings. */
#define LIMIT_ASIDE_BYTES (4u * LIMIT_POLICY_BYTES)
/* What is kept of a Docker answer: 100,000 containers stay below. */
#define LIMIT_DOCKER_BYTES (64u * 1024u * 1024u)
/* One request to Docker, headers included: the longest of ours has some 450 bytes. */
#define LIMIT_QUESTION_BYTES 2048u
/* Clients of the reader at one time: netd's 64 connections, those that it is closing meanwhile, and
 * some of root's. More wait in the listen queue. Bounds its memory to 2 MB. */
#define LIMIT_READER_CLIENTS 96u
/* What is kept of one line of Docker's event stream: ids and words. */
#define LIMIT_DOCKER_EVENT_BYTES (64u * 1024u)
/* Labels of a container, or of an image, that are kept whoever asks for them: a project of compose
 * gives its containers some 800 bytes. Images come from anybody, and may have megabytes. */
#define LIMIT_LABELS 4096u
/* Images whose labels are known; beyond it those that no container uses are forgotten. */
#define LIMIT_IMAGES 256u
/* The same for netdctl, whose inventory is for policies that are not known yet. */
#define LIMIT_LABELS_INVENTORY (1024u * 1024u)
/* The key of a label that a policy names: Docker's advice is a reversed domain name. */
#define LIMIT_LABEL_KEY 255u
/* Endpoints of one host; IPv4 bridges hold far fewer. Bounds netlink batches to about 50 MB. */
#define LIMIT_ENDPOINTS 100000u
/* Values in an inventory: twenty for each endpoint. Bounds what cJSON makes of it to 200 MB. */
#define LIMIT_INVENTORY_VALUES 2000000u
#define LIMIT_INVENTORY_DEPTH 16u
/* What etcd says is wrong, as far as it is told. */
#define LIMIT_ETCD_ERROR 200u
/* One answer of etcd, or line of a watch: policies of 1 MiB and a thousand hosts' records, in
 * Base64. */
#define LIMIT_ETCD_BYTES (8u * 1024u * 1024u)
/* Values in what a host says of itself: the status of one with a hundred tiers has some 600. */
#define LIMIT_FLEET_RECORD_ITEMS 4096u
/* Groups of one host: it has one or two. */
#define LIMIT_FLEET_GROUPS 32u
/* The inventory of a host, as text: a container takes some 800 bytes, so 5,000 of them. It bounds
 * what unpacking one makes of a few bytes, and netd-fleet, which has 128 MiB, takes ten times that
 * for a moment. And packed, as it is written into the store, whose requests have 1.5 MiB at most
 * (etcd's --max-request-bytes): some 130 bytes a container. */
#define LIMIT_FLEET_INVENTORY (4u * 1024u * 1024u)
#define LIMIT_FLEET_PACKED (1024u * 1024u)
/* Plans of different hosts that are kept to be shown, in bytes of JSON: those beyond are told by
 * their numbers. What is equal is kept once, and a fleet has some ten kinds of hosts. */
#define LIMIT_FLEET_PLANS (32u * 1024u * 1024u)
/* Values in one answer of etcd: ten for each key, and a fleet has some thousand hosts with two keys
 * each. */
#define LIMIT_ETCD_ITEMS 200000u
/* Addresses of one host of a fleet, and of all: a host has one or two, and a set of the kernel with
 * all of them is loaded in some 20 ms. What a host says of itself opens ports to no more than the
 * first of these. */
#define LIMIT_MEMBER_ADDRESSES 8u
#define LIMIT_MEMBERS 16384u
/* netd-fleet tells how the store is every five seconds: after that it is not there any more. */
#define LIMIT_STORE_SILENCE_S 20u
/* One control frame (a request with a whole policy in it, or an answer with all endpoints). */
#define LIMIT_FRAME_BYTES (64u * 1024u * 1024u)
/* A request on the control socket: it may carry a policy. */
#define LIMIT_REQUEST_BYTES (4u * 1024u * 1024u)
/* Answers made at one time, each by a process of its own: those that take milliseconds, and those
 * that take seconds; more wait in line. Two: one that takes long does not keep another waiting. */
#define LIMIT_SHORT_ANSWERS 2u
#define LIMIT_LONG_ANSWERS 2u
/* What one may take. The longest, the plan of the largest policy on a host with thousands of
 * containers, needs some 20 s of a processor, which others need too. */
#define LIMIT_ANSWER_SECONDS 300u
/* Bytes beyond what netd has itself: ten times those of that plan. */
#define LIMIT_ANSWER_BYTES (1024u * 1024u * 1024u)
/* Clients of the control socket at one time; more wait in the listen queue. */
#define LIMIT_CLIENTS 32u
/* Policies kept to go back to: some weeks of changes on a busy host, on one screen. */
#define LIMIT_HISTORY 20u
/* The plan kept with one, in bytes of JSON: some 5,000 flows, more than anybody reads. */
#define LIMIT_HISTORY_PLAN (1024u * 1024u)
/* Connections of the host that are read for a plan: what nf_conntrack_max is by default on a large
 * machine, at 80 bytes each. */
#define LIMIT_CONNECTIONS 262144u
/* Different flows among them that are judged: the loop stands still meanwhile, 5 to 20 us each. */
#define LIMIT_CUT_FLOWS 5000u
/* Those that are cut, by name; the rest is a number. */
#define LIMIT_CUT_LISTED 100u
/* Objects of Docker's that could not be understood, by name; the rest is a number. */
#define LIMIT_FLAWS 100u
/* Objects that differ from the ruleset, by name; the rest is a number: a table that is gone takes
 * all of its own with it. */
#define LIMIT_DRIFTS 100u
/* Interfaces below containers of macvlan networks: VLANs, most of them. The kernel hooks a chain to
 * at most 256 (NFT_NETDEVHOOK_MAX). */
#define LIMIT_PARENTS 200u
/* What the host shows and Docker's word do not agree on, looked after at a time; the rest is closed
 * as well, and has its turn when one of these is settled. */
#define LIMIT_DOUBTS 1024u
/* Connections that docker-proxy has taken before its ports were closed, of all containers together:
 * to list so many the loop stands still for some 60 ms. */
#define LIMIT_TAKEN 32768u
/* Its own connections to containers that are ended in one turn of the loop: 5 ms, or some tens of
 * them on a machine that is being flooded. */
#define LIMIT_DIALS 1024u
/* Neighbour entries and settings of bridges that wait to be corrected by rtnetlink: two for each of
 * 30,000 containers that a commit admits, some 4 MB. What is beyond it the host finds out by
 * itself.
 */
#define LIMIT_PUT_QUESTIONS 65536u
/* Entries of all tiers' `speaks_for`: each may become a rule or a set element for each port. */
#define LIMIT_SPEAKS_FOR 1024u
/* Those in an answer, by name; the rest is a number. */
#define LIMIT_DOUBTS_LISTED 20u

/* Published ports that the status of a host without a policy names. */
#define LIMIT_STATUS_PORTS 20u
/* Pairs of tiers, with reasons, that metrics tell apart; a host has some ten. Prometheus keeps each
 * as a series for weeks, and a container can bring about one for each tier that it tries. */
#define LIMIT_METRIC_PAIRS 512u
/* Rules with series of their own, two each; the rest is one sum. A Prometheus is sized for some ten
 * thousand series of one target. */
#define LIMIT_METRIC_RULES 2048u
/* The text of all: a line has some 150 bytes. */
#define LIMIT_METRICS_BYTES (8u * 1024u * 1024u)
/* Scrapers connected at one time; there is one Prometheus, or two. More wait in the listen queue.
 */
#define LIMIT_METRICS_CLIENTS 16u
/* Distinct flows that are kept: a hundred for each of 500 containers. Some 105 bytes each. */
#define LIMIT_FLOWS 50000u
/* Containers at their ends, one for each network, those that are gone too: some 150 bytes each.
 * With both at their limits that is 8 MiB. */
#define LIMIT_FLOW_ENDS 16384u
/* Of the labels of one of them those that say whose it is, in bytes: five of a hundred. */
#define LIMIT_FLOW_LABELS 512u
/* Texts of all ends, in bytes: ids and names of LIMIT_FLOW_ENDS are most of it. Beyond it no more
 * images and labels are kept, which containers of one service share. */
#define LIMIT_FLOW_TEXTS (2u * 1024u * 1024u)
/* Addresses from outside that are told apart at one end, and prefixes of further ones: as many as
 * somebody would write into a policy. */
#define LIMIT_FLOW_PEERS 32u
/* Ports between two ends that are told apart: more is a range, or somebody who tries them all. */
#define LIMIT_FLOW_PORTS 64u
/* Flows as the state folder keeps them, one on a line, and all of them. */
#define LIMIT_FLOW_LINE 16384u
#define LIMIT_FLOW_BYTES (64u * 1024u * 1024u)

/* Flows of which a policy is proposed: netd keeps 50,000, and several hosts may be put together. */
#define LIMIT_SUGGEST_FLOWS 200000u
/* Their bytes: some 600 each. */
#define LIMIT_SUGGEST_BYTES (128u * 1024u * 1024u)
/* Containers that flows name and that are gone, by name or service; and networks. */
#define LIMIT_SUGGEST_GONE 1000u
#define LIMIT_SUGGEST_NETWORKS 200u

/* Files of the folder of image reports, and of keys: two scanners and a signature for each image of
 * a host that has a thousand. */
#define LIMIT_IMAGE_FILES 4096u
/* One of them: Trivy with --list-all-pkgs writes some 30 MB about the largest images. */
#define LIMIT_IMAGE_FILE (64u * 1024u * 1024u)
/* All of them: some seconds of a processor, beside the loop. */
#define LIMIT_IMAGE_FOLDER (1024u * 1024u * 1024u)
/* What is kept of one: 30 bytes for each of 250,000 vulnerabilities. The worst images have some ten
 * thousand. */
#define LIMIT_IMAGE_KEPT (8u * 1024u * 1024u)
#define LIMIT_IMAGE_VALUES 1000000u
/* Digests of one report: the repositories that an image was pulled from. */
#define LIMIT_IMAGE_DIGESTS 64u
/* Of all reports: most have two. */
#define LIMIT_IMAGE_ALL_DIGESTS 32768u
/* What is signed: some 300 bytes, more with annotations. In Base64 it is what netd keeps of a text
 * in JSON (JSON_PICK_STRING); a key, or a signature, is less. */
#define LIMIT_IMAGE_PAYLOAD 3072u
/* Of one file, and of all: each is verified with each key, some 0.1 ms. */
#define LIMIT_IMAGE_SIGNATURES 64u
#define LIMIT_IMAGE_ALL_SIGNATURES 8192u
#define LIMIT_IMAGE_KEYS 32u /* an organisation has some; a bit each */
/* Files that are said to count for nothing: behind them their number is. */
#define LIMIT_IMAGE_REFUSED 1024u
/* Names in one of the folders that are looked at, to find the first ones of them. */
#define LIMIT_IMAGE_NAMES 65536u
/* By how much the clock of whoever scanned may be ahead. */
#define LIMIT_IMAGE_CLOCK_S 300
/* The oldest report that a policy may admit: ten years. */
#define LIMIT_IMAGE_AGE_S (3653 * INT64_C(86400))
/* What is handed to the loop of them: a report has some 250 bytes, all within these limits less
 * than this (core/images/handed.c). */
#define LIMIT_IMAGE_HANDED (16u * 1024u * 1024u)
