#!/bin/sh
# The way back from hal9 emergency scale: gives back the fields that it changed, and no others.
# Cluster prod (https://10.0.0.1:6443), namespace hal9.
# The same, with a look at what changed meanwhile: hal9 emergency restore
failed=0

# L2: 20 replicas since 2026-11-27T03:00:00Z, by dave@discovery; to be taken back by 2026-11-27T05:00:00Z
#   hal9-l2 annotation autoscaling.keda.sh/paused-replicas: "20" -> "5"
#   hal9-l2 spec.minReplicaCount: 20 -> 2
#   hal9-l2 spec.maxReplicaCount: 20 -> 4
kubectl --context 'prod eu' --namespace hal9 patch scaledobject.keda.sh hal9-l2 --type merge --patch '{"metadata":{"annotations":{"autoscaling.keda.sh/paused-replicas":"5","hal9.dev/emergency-record":null,"hal9.dev/emergency-until":null}},"spec":{"maxReplicaCount":4,"minReplicaCount":2}}' || failed=1
#   keda-hpa-hal9-l2 spec.minReplicas: 20 -> 2
#   keda-hpa-hal9-l2 spec.maxReplicas: 20 -> 4
kubectl --context 'prod eu' --namespace hal9 patch horizontalpodautoscaler.autoscaling keda-hpa-hal9-l2 --type merge --patch '{"spec":{"maxReplicas":4,"minReplicas":2}}' || failed=1
#   hal9-l2 spec.replicas: 20 -> 2
kubectl --context 'prod eu' --namespace hal9 patch deployment.apps hal9-l2 --type merge --patch '{"metadata":{"annotations":{"hal9.dev/emergency-record":null,"hal9.dev/emergency-until":null}},"spec":{"replicas":2}}' || failed=1

[ "$failed" = 0 ] && echo 'everything is as it was' || { echo 'not everything could be given back, see above' >&2; exit 1; }
