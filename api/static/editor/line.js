// What stands beside the title of an article, as the templates write it.

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

export function about({ section, published_at: moment }) {
    const day = moment ? dated(moment) : "no date";
    return section ? [named(section), " · ", day] : [day];
}

function dated(moment) {
    const time = document.createElement("time");
    time.dateTime = moment;
    time.textContent = DAY.format(new Date(moment));
    return time;
}

function named(section) {
    const name = document.createElement("span");
    name.dir = "auto";
    name.textContent = section;
    return name;
}
