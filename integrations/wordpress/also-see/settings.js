// The buttons of the settings screen. The sentences come from the server, which translates them.
( function () {
	const element = ( name ) => document.getElementById( 'also-see-' + name );
	const post = ( name, data ) =>
		wp.apiFetch( { path: '/also-see/v1/' + name, method: 'POST', data: data || {} } );
	const buttons = [ element( 'test' ), element( 'send' ), element( 'continue' ) ];
	const enable = ( enabled ) => buttons.forEach( ( button ) => ( button.disabled = ! enabled ) );

	async function test() {
		enable( false );
		try {
			element( 'connection' ).textContent = ( await post( 'test' ) ).sentence;
		} catch ( problem ) {
			element( 'connection' ).textContent = problem.message;
		}
		enable( true );
	}

	async function send( start ) {
		enable( false );
		element( 'rest' ).hidden = true;
		try {
			for ( let done = false; ! done; start = false ) {
				const progress = await post( 'send', { start } );
				done = progress.done;
				element( 'progress' ).hidden = false;
				element( 'progress' ).max = progress.total || 1;
				element( 'progress' ).value = done ? progress.total || 1 : progress.sent + progress.refused;
				element( 'sent' ).textContent = progress.sentence;
				element( 'unsent' ).textContent = progress.unsent;
			}
		} catch ( problem ) {
			element( 'sent' ).textContent = problem.message;
			element( 'rest' ).hidden = false;
		}
		enable( true );
	}

	element( 'test' ).addEventListener( 'click', test );
	element( 'send' ).addEventListener( 'click', () => send( true ) );
	element( 'continue' ).addEventListener( 'click', () => send( false ) );
} )();
