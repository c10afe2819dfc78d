#!/bin/sh
# Recovery steps, written by hal9 doctor at 2026-11-27T03:12:44Z.
# TROUBLE: 3 critical findings, 3 warnings; nats://10.0.0.1:4222, namespace hal9 of prod, 3 processes answered
#
# As it stands this script only looks. Each line that changes something is commented
# out: read it, take the # away, run the script again or type the line.
# call #platform-oncall: anything, at once
# call on-call phone +49 30 1234567: what is critical, after 15m
# call nobody is woken for this: what is warning, at once

# ---- 1. look -------------------------------------------------------------

# 1. critical: 1 stream or consumer missing
#    consumer sink-chat on HAL9_SITUATIONS
#    whatever needs them stands still or fails
hal9 provision --partitions 1 --dry-run --nats nats://10.0.0.1:4222   # what would be made

# 2. critical: L3 is behind: the oldest of 12,402 signals is 14m old
#    it grows by 120 signals a second
#    2 live processes; 1 process at most can share the work

# 3. critical: HAL9_L1 is 97 % full and refuses what comes when it is full
#    993.3 MiB of 1.0 GiB, 0 messages
# hal9 provision --dry-run --store-bytes BYTES --nats nats://10.0.0.1:4222   # a larger bound for all streams together; what exists only ever grows
hal9 doctor --nats nats://10.0.0.1:4222   # a layer that stands still or is behind fills its stream: cure that first

# 4. warning: hal9-l3: 2 of 5 pods ready: no node takes them: too little cpu on 2 nodes
#    0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available
kubectl top nodes; kubectl --namespace hal9 describe pod hal9-l3-5c-a
kubectl --namespace hal9 get pods --selector app.kubernetes.io/component=l3 -o wide

# 5. warning: processes of 2 versions run side by side
#    v1.1 (abc): L3 pod-b/1/y
#    v1.2 (abc): all layers pod-a/1/x, web pod-c/1/z
kubectl --namespace hal9 rollout status deployment --watch=false --selector app.kubernetes.io/name=hal9   # is a rollout under way, or stuck?

# 6. warning: 41 errors logged, the last 1m ago
#    41 × stage failed (L3 pod-b/1/y): error=·[31mboom second line
kubectl --namespace hal9 logs --selector app.kubernetes.io/name=hal9 --since 15m --prefix   # all of it

# 7. note: 2 warnings logged, the last 0ms ago
#    2 × slow (L3 pod-b/1/y): 

# ---- 2. change, one at a time, the first finding first -------------------

# for 1, 1 stream or consumer missing
# hal9 provision --partitions 1 --nats nats://10.0.0.1:4222   # make it; nothing is ever deleted

# for 2, L3 is behind: the oldest of 12,402 signals is 14m old
# hal9 emergency scale --layer L3 --nats nats://10.0.0.1:4222   # more replicas now; without --yes it only shows

# ---- 3. look again -------------------------------------------------------

hal9 doctor --nats nats://10.0.0.1:4222
