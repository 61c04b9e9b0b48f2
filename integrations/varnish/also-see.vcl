vcl 4.1;

# In front of a site's pages: pages may include lists (ESI), which come from Also See through the cache.
#   <esi:include src="/related-box/v1/main/articles/ID/related.html" onerror="continue"/>

backend pages { .host = "127.0.0.1"; .port = "8081"; } # here: your site

backend also_see { # here: the service
    .host = "127.0.0.1";
    .port = "8000";
    .connect_timeout = 1s;
    .first_byte_timeout = 2s;
}

sub vcl_recv {
    if (req.url ~ "^/related-box/") {
        set req.backend_hint = also_see;
        set req.url = regsub(req.url, "^/related-box", "");
        unset req.http.Cookie;
        # What is not part of the list makes no cache entry of its own.
        set req.url = regsuball(req.url, "&(utm_[a-z]+|fbclid|gclid)=[^&]*", "");
        set req.url = regsub(req.url, "\?(utm_[a-z]+|fbclid|gclid)=[^&]*&?", "?");
        set req.url = regsub(req.url, "\?$", "");
        set req.http.X-Also-See = "1";
        if (req.method == "GET" || req.method == "HEAD") { return (hash); }
        return (pass); # events
    }
    set req.backend_hint = pages;
}

sub vcl_hash {
    if (req.http.X-Also-See) { hash_data("also-see"); }
}

sub vcl_backend_response {
    if (bereq.http.X-Also-See) {
        # Ten seconds fresh, as the service says; stale for 20 while it is asked anew or is away:
        # a deleted article is gone after 30.
        set beresp.grace = 20s;
        set beresp.keep = 0s;
        if (beresp.status >= 500) {
            if (bereq.is_bgfetch) { return (abandon); } # what we have is better
            set beresp.uncacheable = true;
        }
        return (deliver);
    }
    if (beresp.http.Content-Type ~ "text/html") { set beresp.do_esi = true; }
}

sub vcl_backend_error {
    if (bereq.http.X-Also-See) { # no box, and no error in the page
        set beresp.status = 204;
        set beresp.ttl = 1s;
        return (deliver);
    }
}
