{{- define "duijie.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "duijie.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "duijie.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "duijie.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "duijie.selectorLabels" -}}
app.kubernetes.io/name: {{ include "duijie.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "duijie.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: duijie
{{ include "duijie.selectorLabels" . }}
{{- end -}}

{{- define "duijie.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "duijie.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "duijie.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Where a service's API answers, in the cluster: (list . "listing") */}}
{{- define "duijie.url" -}}
{{- $root := index . 0 -}}
{{- printf "http://%s-%s-api:%v" (include "duijie.fullname" $root) (index . 1) $root.Values.service.port -}}
{{- end -}}

{{/* Where a service's database is: (list . "listing") */}}
{{- define "duijie.env.database" -}}
{{- $service := index (index . 0).Values.services (index . 1) -}}
- name: DUIJIE_{{ index . 1 | upper }}_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ $service.secret }}
      key: {{ $service.databaseUrlKey }}
{{- end -}}

{{- define "duijie.env.kafka" -}}
{{- with .Values.kafka -}}
- name: DUIJIE_KAFKA_BOOTSTRAP
  value: {{ .bootstrap | quote }}
- name: DUIJIE_KAFKA_SECURITY_PROTOCOL
  value: {{ .securityProtocol }}
- name: DUIJIE_KAFKA_REPLICATION
  value: {{ .replication | quote }}
- name: DUIJIE_KAFKA_TIMEOUT_S
  value: {{ .timeoutSeconds | quote }}
- name: DUIJIE_KAFKA_SESSION_TIMEOUT_S
  value: {{ .sessionTimeoutSeconds | quote }}
{{- if hasPrefix "SASL" .securityProtocol }}
- name: DUIJIE_KAFKA_SASL_MECHANISM
  value: {{ .sasl.mechanism }}
- name: DUIJIE_KAFKA_USERNAME
  valueFrom:
    secretKeyRef:
      name: {{ .sasl.secret }}
      key: {{ .sasl.usernameKey }}
- name: DUIJIE_KAFKA_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .sasl.secret }}
      key: {{ .sasl.passwordKey }}
{{- end }}
{{- if and (hasSuffix "SSL" .securityProtocol) .tls.secret }}
- name: DUIJIE_KAFKA_CA_FILE
  value: /etc/duijie/kafka/{{ .tls.caKey }}
{{- if and .tls.certificateKey .tls.keyKey }}
- name: DUIJIE_KAFKA_CERTIFICATE_FILE
  value: /etc/duijie/kafka/{{ .tls.certificateKey }}
- name: DUIJIE_KAFKA_KEY_FILE
  value: /etc/duijie/kafka/{{ .tls.keyKey }}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* What every container is: whom it runs as, and that it can change nothing. */}}
{{- define "duijie.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "duijie.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Mounts and volumes of a pod: (list . $usesKafka) */}}
{{- define "duijie.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- if include "duijie.kafkaFiles" . }}
- name: kafka
  mountPath: /etc/duijie/kafka
  readOnly: true
{{- end }}
{{- end -}}

{{- define "duijie.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 320Mi {{/* eight imports of 32 MiB at once: chassis/importing.py */}}
{{- if include "duijie.kafkaFiles" . }}
- name: kafka
  secret:
    secretName: {{ (index . 0).Values.kafka.tls.secret }}
    defaultMode: 0440
{{- end }}
{{- end -}}

{{- define "duijie.kafkaFiles" -}}
{{- $kafka := (index . 0).Values.kafka -}}
{{- if and (index . 1) (hasSuffix "SSL" $kafka.securityProtocol) $kafka.tls.secret -}}yes{{- end -}}
{{- end -}}
