package dnsreg

import (
	"encoding/json"
	"time"
)

// jsonError is an error in JSON.
type jsonError struct {
	Text  string `json:"text"`
	Class string `json:"class"` // as that of ClassOf
}

func errorJSON(err error) *jsonError {
	if err == nil {
		return nil
	}
	return &jsonError{err.Error(), ClassOf(err).String()}
}

// list is a slice that is never null in JSON: nothing yet is an empty list as well.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// MarshalJSON implements json.Marshaler: errors become objects with a text and a class, times that have not
// come are left out, names begin in lower case, and no list is null.
func (s Status) MarshalJSON() ([]byte, error) {
	type plain Status // without this method
	s.Addresses, s.Registered, s.Zones = list(s.Addresses), list(s.Registered), list(s.Zones)
	return json.Marshal(struct {
		plain
		Err *jsonError `json:"error,omitempty"`
	}{plain(s), errorJSON(s.Err)})
}

// MarshalJSON implements json.Marshaler as that of Status does.
func (z ZoneStatus) MarshalJSON() ([]byte, error) {
	when := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	return json.Marshal(struct {
		Zone        string     `json:"zone,omitempty"`
		Server      string     `json:"server,omitempty"`
		Name        string     `json:"name,omitempty"`
		LastSuccess *time.Time `json:"lastSuccess,omitempty"`
		LastFailure *time.Time `json:"lastFailure,omitempty"`
		Err         *jsonError `json:"error,omitempty"`
		Failures    int        `json:"failures"`
		Next        *time.Time `json:"next,omitempty"`
	}{z.Zone, z.Server, z.Name, when(z.LastSuccess), when(z.LastFailure), errorJSON(z.Err), z.Failures, when(z.Next)})
}

// MarshalJSON implements json.Marshaler as that of Status does.
func (s SkippedPTR) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name string     `json:"name"`
		Err  *jsonError `json:"error"`
	}{s.Name, errorJSON(s.Err)})
}

// MarshalJSON implements json.Marshaler as that of Status does.
func (p Plan) MarshalJSON() ([]byte, error) {
	type plain Plan
	p.Addresses, p.Zones, p.Skipped = list(p.Addresses), list(p.Zones), list(p.Skipped)
	return json.Marshal(plain(p))
}

// MarshalJSON implements json.Marshaler as that of Status does.
func (z ZonePlan) MarshalJSON() ([]byte, error) {
	type plain ZonePlan
	z.Prerequisites, z.Deletes, z.Adds = list(z.Prerequisites), list(z.Deletes), list(z.Adds)
	return json.Marshal(plain(z))
}
