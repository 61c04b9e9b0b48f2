<?php
/** Forget everything that the plugin stored. The service keeps its articles. */

if ( ! defined( 'WP_UNINSTALL_PLUGIN' ) ) {
	exit;
}

delete_option( 'also_see' );
delete_option( 'also_see_progress' );
delete_post_meta_by_key( '_also_see' );
wp_unschedule_hook( 'also_see_send' );
