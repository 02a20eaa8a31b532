// Package updates measures what it costs to keep addresses right in DNS: against nsupdate at several servers,
// and in messages and bytes.
package updates
