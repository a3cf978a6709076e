{{- define "millrace.name" -}}
{{ .Release.Name }}-millrace
{{- end -}}

{{- define "millrace.labels" -}}
app.kubernetes.io/name: millrace
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "millrace.tlsSecret" -}}
{{ default (printf "%s-tls" (include "millrace.name" .)) .Values.tls.existingSecret }}
{{- end -}}
